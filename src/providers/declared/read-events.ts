import { z } from "zod";
import { ParseError } from "../../errors.ts";
import type { ProviderEvent } from "../../model.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { ignored } from "../kit/events.ts";
import { maybeText, requiredText } from "../kit/fields.ts";
import { type FindHindrance, findHindrance } from "./conditions.ts";
import type { DeclaredEvent, ProviderDocument } from "./document/document.ts";
import { findAt, type Scope } from "./paths.ts";
import { readReceiptsBy } from "./read-receipts.ts";
import { readTextBy } from "./read-text.ts";
import { readTemplate } from "./templates.ts";
import { readOne, readSource, type Sought } from "./values.ts";

export interface EventReader {
  read(webhook: DecodedWebhook, ownAddress?: string): ProviderEvent[];
  /** For each item that is read, and each event of the document: what keeps it from being one; undefined for none. */
  explain(webhook: DecodedWebhook): (string | undefined)[][];
}

interface Rule {
  hindrance: FindHindrance;
  read(scope: Scope): ProviderEvent[];
}

/** Reads what a document says that webhooks say. Pure; throws a ParseError that names the path of what cannot be read. */
export function createEventReader(document: ProviderDocument): EventReader {
  const { batch, eventName, events } = document.receives;
  const rules = events.map((event) => readRule(document, event));
  const findItems = batch === undefined ? undefined : findAt(batch);
  const nameOf = eventName === undefined ? undefined : readSource(eventName);

  function scopesOf(webhook: DecodedWebhook, ownAddress?: string): Scope[] {
    const body = webhook.read(z.unknown());
    if (typeof body !== "object" || body === null) throw new ParseError("the body is neither an object nor a list");
    const whole: Scope = { body, item: body, reference: webhook.reference, ownAddress };
    if (!findItems) return [whole];
    const { values } = findItems(whole);
    if (values.length === 0) throw new ParseError(`${batch}: is missing or empty`);
    return values.map((item) => ({ ...whole, item }));
  }

  function readItem(scope: Scope): ProviderEvent[] {
    const rule = rules.find(({ hindrance }) => hindrance(scope) === undefined);
    if (rule) return rule.read(scope);
    const name = nameOf && readOne(nameOf(scope), requiredText);
    return [ignored(name === undefined ? nothingFits : `event ${name}: says nothing that is bridged`)];
  }

  return {
    read: (webhook, ownAddress) => bounded(scopesOf(webhook, ownAddress).flatMap(readItem)),
    explain: (webhook) => scopesOf(webhook).map((scope) => rules.map(({ hindrance }) => hindrance(scope))),
  };
}

const nothingFits = "none of the events of the provider's document fits";
const maxEvents = 1000;

function bounded(events: ProviderEvent[]): ProviderEvent[] {
  if (events.length > maxEvents) throw new ParseError(`the body: says more than ${maxEvents} things`);
  return events;
}

function readRule(document: ProviderDocument, event: DeclaredEvent): Rule {
  const hindrance = findHindrance(event.when);
  if (event.text) {
    const read = readTextBy(document, event.text);
    return { hindrance, read: (scope) => [read(scope)] };
  }
  if (event.receipt) return { hindrance, read: readReceiptsBy(document, event.receipt) };
  const reason = readTemplate(event.ignored ?? "");
  const sources = new Map(reason.names.map((name) => [name, readSource(name)]));
  const lookUp = (scope: Scope) => (name: string) => {
    const source = sources.get(name);
    return (source && wordsAt(source(scope))) ?? "nothing";
  };
  return { hindrance, read: (scope) => [ignored(String(reason.fill(lookUp(scope)) ?? nothingFits).slice(0, 500))] };
}

const wordsAt = ({ values: [first] }: Sought) => maybeText.safeParse(first).data?.slice(0, 100);
