import { ParseError } from "../../errors.ts";
import type { ProviderEvent, WebhookRequest } from "../../model.ts";
import { decode } from "../kit/decode.ts";
import { declaredProvider } from "./declared-provider.ts";
import type { ProviderDocument } from "./document/document.ts";
import { createEventReader } from "./read-events.ts";

export interface DocumentPreview {
  /** Would it be accepted with these credentials? Undefined without any. */
  verified?: boolean;
  /** What it means; or why it would be kept as failed. */
  events?: ProviderEvent[];
  failure?: string;
  /** For each item of the webhook, which of the document's events it is, and why it is none of those before. */
  items: { event: string; notBecause: string[] }[];
}

/** What a document makes of a webhook. Pure: nothing is stored and nobody is called. */
export async function previewDocument(
  document: ProviderDocument,
  request: WebhookRequest,
  about: { credentials?: unknown; ownNumber?: string | undefined },
): Promise<DocumentPreview> {
  const adapter = declaredProvider(document);
  const given = about.credentials === undefined ? undefined : adapter.credentials.parse(about.credentials);
  const verified = given === undefined ? {} : { verified: await adapter.verify(request, given) };
  try {
    const events = await adapter.parse(request, about.ownNumber);
    return { ...verified, events, items: await explain(document, request) };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return { ...verified, failure: error.message, items: await explain(document, request) };
  }
}

const maxItems = 20;

async function explain(document: ProviderDocument, request: WebhookRequest): Promise<DocumentPreview["items"]> {
  try {
    const webhook = await decode(request, document.receives.contentTypes);
    const items = createEventReader(document).explain(webhook);
    return items.slice(0, maxItems).map((hindrances) => {
      const met = hindrances.indexOf(undefined);
      const before = met === -1 ? hindrances : hindrances.slice(0, met);
      const notBecause = before.map((hindrance, index) => `receives.events.${index}: ${hindrance}`);
      return { event: met === -1 ? "none" : `receives.events.${met}`, notBecause };
    });
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}
