import type { WebhookRequest } from "../../src/model.ts";
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

export interface Verdict {
  missing: string[];
  doubled: string[];
  invented: string[];
  outOfOrder: string[];
}

/** Compares what HighLevel has with what was acknowledged: everything once, in order per person, and nothing else. */
export function judge(acknowledged: Set<string>, sent: Set<string>, accepted: (string | undefined)[]): Verdict {
  const counts = new Map<string, number>();
  const lastNumber = new Map<string, number>();
  const outOfOrder: string[] = [];
  for (const id of accepted) {
    if (id === undefined) continue;
    counts.set(id, (counts.get(id) ?? 0) + 1);
    const cut = id.lastIndexOf("-");
    const [line, number] = [id.slice(0, cut), Number(id.slice(cut + 1))];
    if (number < (lastNumber.get(line) ?? 0)) outOfOrder.push(id);
    lastNumber.set(line, Math.max(number, lastNumber.get(line) ?? 0));
  }
  return {
    missing: [...acknowledged].filter((id) => !counts.has(id)),
    doubled: [...counts].filter(([, count]) => count > 1).map(([id]) => id),
    invented: [...counts.keys()].filter((id) => !sent.has(id)),
    outOfOrder,
  };
}

export const faultless: Verdict = { missing: [], doubled: [], invented: [], outOfOrder: [] };
