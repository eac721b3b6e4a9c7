import type { ApiRequest } from "../../calls/call-api.ts";
import { Failure } from "../../errors.ts";
import { bareChatId } from "../../formats/address.ts";
import type { OutboundMessage } from "../../model.ts";
import { requireCredential } from "../kit/credentials.ts";
import { basic, bearer } from "../kit/proofs.ts";
import { withLinks } from "../kit/sends.ts";
import type { Given } from "./document/credential-form.ts";
import type { DeclaredSends } from "./document/document.ts";
import { type LookUp, readTemplate } from "./templates.ts";

/** The one call that sends a message, as a document says. `receiptUrl` is the message's, with what proves a callback. */
export function composeRequest(sends: DeclaredSends, message: OutboundMessage, given: Given): ApiRequest {
  const { method, url, encoding, fields, headers = {} } = sends;
  const lookUp = valuesOf(message, given);
  const { auth, query } = authOf(sends, given);
  const filledHeaders = Object.entries(headers).flatMap(([name, text]) => {
    const value = readTemplate(text).fill(lookUp);
    return value === undefined ? [] : [[name, String(value)]];
  });
  const request = { method, headers: { ...Object.fromEntries(filledHeaders), ...auth } };
  const whole = urlOf(url, lookUp, given);
  if (encoding === "json") {
    const body = Object.fromEntries(entriesOf(fields, lookUp, message));
    return { ...request, url: withQuery(whole, query), body };
  }
  const form = formOf(fields, lookUp, message);
  if (encoding === "form") return { ...request, url: withQuery(whole, query), body: form };
  for (const [name, value] of query) form.append(name, value);
  return { ...request, url: withQuery(whole, form) };
}

function valuesOf(message: OutboundMessage, given: Given): LookUp {
  const values: Record<string, string | string[] | undefined> = {
    ...{ from: bareChatId(message.from), to: bareChatId(message.to), text: message.text, subject: message.subject },
    ...{ fromDigits: digitsOf(message.from), toDigits: digitsOf(message.to) },
    ...{ reference: message.reference, receiptUrl: message.receiptUrl },
    mediaUrls: message.attachments.map(({ url }) => url),
    textWithLinks: withLinks(message.text, message.attachments),
  };
  return (name) => {
    if (name.startsWith("credentials.")) return given[name.slice("credentials.".length)];
    return Object.hasOwn(values, name) ? values[name] : undefined;
  };
}

/** Without the plus, for providers that want none. */
const digitsOf = (address: string) => address.replace(/^\+/, "");

function authOf({ auth = {} }: DeclaredSends, given: Given) {
  const of = (name: string) => requireCredential(given[name], name);
  const { bearer: token, basic: pair, header, query } = auth;
  const headers = {
    ...(token ? bearer(of(token)) : {}),
    ...(pair ? basic(of(pair.user), of(pair.password)) : {}),
    ...(header ? { [header.name]: `${header.prefix}${of(header.key)}` } : {}),
  };
  return { auth: headers, query: new URLSearchParams(query ? [[query.parameter, of(query.key)]] : []) };
}

const ownHost = /^\{credentials\.([^{}]*)\}/;

function urlOf(template: string, lookUp: LookUp, given: Given): string {
  const [prefix = "", name] = ownHost.exec(template) ?? [];
  const base = name === undefined ? "" : requireCredential(given[name], name).replace(/\/+$/, "");
  const rest = readTemplate(template.slice(prefix.length)).fill(lookUp, encodeStep);
  if (rest === undefined && template.length > prefix.length) {
    throw new Failure("misconfigured", "the URL to send to has a part that is missing in the account's credentials");
  }
  return `${base}${String(rest ?? "")}`;
}

/** As one step of a path, and never as one that leads up. */
function encodeStep(value: string): string {
  if (/^\.{1,2}$/.test(value)) throw new Failure("misconfigured", "a part of the URL to send to is . or ..");
  return encodeURIComponent(value);
}

function withQuery(url: string, query: URLSearchParams): string {
  if (query.size === 0) return url;
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}

function formOf(fields: DeclaredSends["fields"], lookUp: LookUp, message: OutboundMessage): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of entriesOf(fields, lookUp, message)) {
    for (const each of [value].flat()) form.append(name, String(each));
  }
  return form;
}

/** What is missing or empty is left out. */
function entriesOf(fields: object, lookUp: LookUp, message: OutboundMessage): [string, unknown][] {
  return Object.entries(fields).flatMap(([name, value]): [string, unknown][] => {
    const filled = fill(value, lookUp, message);
    return filled === undefined ? [] : [[name, filled]];
  });
}

function fill(value: unknown, lookUp: LookUp, message: OutboundMessage): unknown {
  if (typeof value === "string") return value === "" ? value : readTemplate(value).fill(lookUp);
  if (typeof value !== "object" || value === null) return value;
  const inner = (each: unknown) => fill(each, lookUp, message);
  if (Array.isArray(value)) return value.map(inner).filter((each) => each !== undefined);
  const { $if, $then, $else, $each, $item } = value as Record<string, unknown>;
  if (typeof $if === "string") return inner(hasValue(lookUp($if)) ? $then : $else);
  if ($each !== undefined) {
    const items = message.attachments.map((file) => fill($item, withFile(lookUp, file), message));
    return items.length === 0 ? undefined : items.filter((each) => each !== undefined);
  }
  return Object.fromEntries(entriesOf(value, lookUp, message));
}

const hasValue = (value: ReturnType<LookUp>) => value !== undefined && value.length > 0;

function withFile(lookUp: LookUp, { url, name, contentType }: OutboundMessage["attachments"][number]): LookUp {
  const file: Record<string, string> = { "file.url": url, "file.name": name, "file.contentType": contentType };
  return (wanted) => (Object.hasOwn(file, wanted) ? file[wanted] : lookUp(wanted));
}
