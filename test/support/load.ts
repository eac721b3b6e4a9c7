import type { WebhookRequest } from "../../src/model.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { signer as mailgun } from "../fixtures/mailgun/sign.ts";
import { signer as postmark } from "../fixtures/postmark/sign.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { signer as twilio } from "../fixtures/twilio/sign.ts";
import { emailProviderId, publicUrl, smsProviderId } from "./bridge.ts";
import type { Signer } from "./fixtures.ts";

/** Four providers with a mapping each, and messages of many people to them. */
export interface LoadProvider {
  mapping: { provider: string; address: string; credentials: unknown; conversationProviderId: string };
  /** The webhook of one message; `person` and `number` make its id. */
  webhook(mappingId: string, person: number, number: number): WebhookRequest;
}

const textAddress = "+15005550009";
const mailAddress = "support@example.com";
const json = "application/json";
const form = "application/x-www-form-urlencoded";

/** What `altId` is in HighLevel: which provider, whose message, and which one of theirs. */
export const idOf = (provider: string, person: number, number: number) => `${provider}-${person}-${number}`;
export const personNumber = (person: number) => `+1500${String(5_560_000 + person)}`;

function loadProvider(
  provider: string,
  signer: Signer,
  contentType: string,
  bodyOf: (id: string, person: number) => Record<string, unknown>,
): LoadProvider {
  const isMail = provider === "postmark" || provider === "mailgun";
  return {
    mapping: {
      provider,
      address: isMail ? mailAddress : textAddress,
      credentials: signer.credentials,
      conversationProviderId: isMail ? emailProviderId : smsProviderId,
    },
    webhook: (mappingId, person, number) =>
      signer.sign(
        { contentType, body: bodyOf(idOf(provider, person, number), person) },
        { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() },
      ),
  };
}

export const loadProviders: LoadProvider[] = [
  loadProvider("twilio", twilio, form, (id, person) => ({
    MessageSid: id,
    From: personNumber(person),
    To: textAddress,
    Body: id,
    NumMedia: "0",
    SmsStatus: "received",
  })),
  loadProvider("telnyx", telnyx, json, (id, person) => ({
    data: {
      event_type: "message.received",
      payload: { id, from: { phone_number: personNumber(person) }, to: [{ phone_number: textAddress }], text: id },
    },
  })),
  loadProvider("postmark", postmark, json, (id, person) => ({
    MessageID: id,
    FromFull: { Email: `person${person}@example.org` },
    ToFull: [{ Email: mailAddress }],
    Subject: id,
    TextBody: id,
    Headers: [{ Name: "Message-ID", Value: `<${id}@example.org>` }],
  })),
  loadProvider("mailgun", mailgun, form, (id, person) => ({
    from: `person${person}@example.org`,
    recipient: mailAddress,
    subject: id,
    "body-plain": id,
    "Message-Id": `<${id}>`,
  })),
];

/** What the ids of a person's messages have in common; its messages must come in the order of their numbers. */
const lineOf = (id: string) => id.slice(0, id.lastIndexOf("-"));
const numberOf = (id: string) => Number(id.slice(id.lastIndexOf("-") + 1));

/** Who has written a message, as HighLevel's contact must say. */
function addressOf(id: string): string {
  const [provider, person] = lineOf(id).split("-");
  const isMail = provider === "postmark" || provider === "mailgun";
  return isMail ? `person${person}@example.org` : personNumber(Number(person));
}

/** A message as HighLevel has it. */
export interface Accepted {
  altId: string | undefined;
  /** Of the contact in whose conversation it stands. */
  address: string | undefined;
  /** All that it says. */
  text: string;
}

/** Everything that HighLevel has accepted, in that order. */
export function acceptedBy(sandbox: Pick<Sandbox, "messages" | "contacts">): Accepted[] {
  const contacts = new Map(sandbox.contacts().map((contact) => [contact.id, contact]));
  return sandbox.messages().map(({ altId, contactId, subject, body, html }) => {
    const contact = contacts.get(contactId);
    const text = [subject, body, html].filter(Boolean).join(" ");
    return { altId, address: contact?.phone ?? contact?.email, text };
  });
}

export interface Verdict {
  /** Acknowledged, and not there. */
  missing: string[];
  /** There again: once for each time too many. */
  doubled: string[];
  /** There, and never sent by anybody. */
  invented: string[];
  /** There for the first time after a later message of the same person. */
  outOfOrder: string[];
  /** In somebody else's conversation, or with somebody else's text. */
  misplaced: string[];
}

/** Compares what HighLevel has with what was acknowledged: everything once, in order per person, as it was sent, and nothing else. */
export function judge(acknowledged: Set<string>, sent: Set<string>, accepted: Accepted[]): Verdict {
  const verdict: Verdict = { missing: [], doubled: [], invented: [], outOfOrder: [], misplaced: [] };
  const seen = new Set<string>();
  const lastNumber = new Map<string, number>();
  for (const { altId: id, address, text } of accepted) {
    if (id === undefined || !sent.has(id)) {
      verdict.invented.push(id ?? `without altId: ${text}`);
      continue;
    }
    if (address !== addressOf(id) || !new RegExp(`\\b${id}\\b`).test(text)) verdict.misplaced.push(id);
    if (seen.has(id)) {
      verdict.doubled.push(id);
      continue;
    }
    seen.add(id);
    const last = lastNumber.get(lineOf(id)) ?? 0;
    if (numberOf(id) < last) verdict.outOfOrder.push(id);
    lastNumber.set(lineOf(id), Math.max(numberOf(id), last));
  }
  verdict.missing = [...acknowledged].filter((id) => !seen.has(id));
  return verdict;
}

export const faultless: Verdict = { missing: [], doubled: [], invented: [], outOfOrder: [], misplaced: [] };
