import { InvalidRequest, ParseError } from "../../errors.ts";
import { believeTime } from "../../formats/read-time.ts";
import type { InboundPost } from "../../highlevel/client.ts";
import { automaticFor, isKept } from "../../messages/aside/kept-mail.ts";
import { whyHeld } from "../../messages/aside/set-aside.ts";
import { admit, ignoredReason } from "../../messages/aside/unknown-sender.ts";
import { type ComposedMessage, composeInbound } from "../../messages/compose-inbound.ts";
import { contentOf } from "../../messages/content.ts";
import { findThreadOf, type ThreadContext } from "../../messages/find-thread.ts";
import type { CallAddition, Consent, ProviderEvent, ProviderMessage, Receipt, WebhookRequest } from "../../model.ts";
import type { FetchCertificate } from "../../providers/kit/proofs.ts";
import type { Reading } from "../../providers/reading.ts";
import { type AddressedMessage, isFor } from "../../registry/find-receivers.ts";
import type { Mapping } from "../../registry/mappings.ts";
import { findConversation } from "../../store/conversations.ts";
import { addressingOf, addressOfPerson, isSaid, type Said, seenBy, unmappedReason } from "../read-webhook.ts";
import { findAnswers } from "../recognize-ours.ts";
import { isVerified } from "../refusals/is-verified.ts";

export interface PreviewContext extends ThreadContext {
  reading: Reading;
  fetchCertificate?: FetchCertificate | undefined;
}

export interface Preview {
  /** Would the webhook have been accepted as it is? A sample without a signature would not, and is shown all the same. */
  verified: boolean;
  events: PreviewedEvent[];
}

export type PreviewedEvent =
  | { outcome: "ignored"; reason: string }
  /** To the message that it is about, if this mapping has sent it. */
  | { outcome: "applied"; receipt: Receipt }
  | { outcome: "applied"; consent: Consent }
  /** To the call that it is of, if that one is known. */
  | { outcome: "applied"; addition: CallAddition }
  | { outcome: "kept" | "held"; reason: string; request: PreviewedRequest }
  | { outcome: "posted"; before: string[]; request: PreviewedRequest };

interface PreviewedRequest {
  method: "POST";
  path: "/conversations/messages/inbound";
  body: InboundPost;
}

/**
 * What would be posted to HighLevel for a webhook. Stores nothing, and calls nobody but for the certificate that a signature
 * names. Throws a Failure where that is not to be had: then nobody knows whether it verifies.
 */
export async function previewWebhook(
  context: PreviewContext,
  mapping: Mapping,
  request: WebhookRequest,
): Promise<Preview> {
  const { reading, fetchCertificate } = context;
  const verified = await isVerified(mapping, request, fetchCertificate);
  try {
    const { events } = await reading.parse(mapping.provider, request, mapping.address);
    const soleAddress = mapping.accountId === mapping.id ? mapping.address : null;
    const account = { ...mapping, deletedAt: null, soleAddress };
    const previews: PreviewedEvent[] = [];
    for (const event of events.flatMap((each) => (isSaid(each) ? seen(mapping, account, each) : each))) {
      if (event.kind === "consent") previews.push({ outcome: "applied", consent: event });
      else if (event.kind === "ignored") previews.push({ outcome: "ignored", reason: event.reason });
      else if (event.kind === "receipt") previews.push({ outcome: "applied", receipt: event });
      else if (event.kind === "addition") previews.push({ outcome: "applied", addition: event });
      else previews.push(await previewMessage(context, mapping, event, request.receivedAt));
    }
    return { verified, events: previews };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new InvalidRequest("invalid", "this webhook would be kept as failed", [
      { path: "body", message: error.message },
    ]);
  }
}

/** As this mapping would see it, if it is for this one. */
function seen(mapping: Mapping, account: AddressedMessage["account"], said: Said): ProviderEvent[] {
  const addressing = addressingOf(said);
  if (isFor(mapping.address, account, addressing)) return seenBy([mapping], said).map(({ event }) => event);
  throw new ParseError(unmappedReason(addressing));
}

async function previewMessage(
  context: ThreadContext,
  mapping: Mapping,
  event: ProviderMessage,
  receivedAt: Date,
): Promise<PreviewedEvent> {
  const { db } = context;
  const address = addressOfPerson(mapping, event) ?? event.from;
  const stored = await findConversation(db, mapping.id, address);
  const stranger = { address, highlevelContactId: null, highlevelConversationId: null };
  const conversation = stored ?? stranger;
  const thread = stored && (await findThreadOf(context, stored, { receivedAt, content: contentOf(event) }));
  const { providerMessageId, direction = "inbound" } = event;
  const sentAt = believeTime(event.sentAt, receivedAt) ?? null;
  const message: ComposedMessage = { direction, providerMessageId, sentAt, receivedAt, content: contentOf(event) };
  const body = composeInbound(mapping, conversation, message, thread);
  const composed = { method: "POST" as const, path: "/conversations/messages/inbound" as const, body };

  if (event.part) {
    const { number, total } = event.part;
    return { outcome: "kept", reason: `part ${number} of ${total}: it goes with the others`, request: composed };
  }
  const isAnswer = (await findAnswers(db, [{ mapping, event }])).has(event);
  const automatic = automaticFor(mapping, event, isAnswer);
  if (isKept(mapping, automatic)) {
    const setting = automatic === "list" ? "mail of lists" : "automatic mail";
    return { outcome: "kept", reason: `${automatic}: the mapping does not post ${setting}`, request: composed };
  }
  const admission = admit(mapping, conversation);
  if (admission === "ignored") return { outcome: "ignored", reason: ignoredReason };
  const held = whyHeld(mapping, conversation, message);
  if (held) return { outcome: "held", reason: `${held.reason}: ${held.detail}`, request: composed };
  const before: string[] = [];
  if (!conversation.highlevelConversationId) {
    if (!conversation.highlevelContactId) before.push("GET /contacts/search/duplicate", "POST /contacts/upsert");
    before.push("POST /conversations/");
  }
  return { outcome: "posted", before, request: composed };
}
