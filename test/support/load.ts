import type { WebhookRequest } from "../../src/model.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { emailProviderId, publicUrl, smsProviderId } from "./location.ts";
import { allCredentials, type Provider, providerOf, providers } from "./providers.ts";
import { writeMessage } from "./write-webhooks.ts";

/** A provider with a mapping, and messages of many people to it. */
export interface LoadProvider {
  mapping: { provider: string; address: string; credentials: unknown; conversationProviderId: string };
  /** The webhook of one message; `person` and `number` make its id. */
  webhook(mappingId: string, person: number, number: number): WebhookRequest;
  /** The webhook of somebody's STOP, by which they can be known; none of a provider of emails. */
  stop?(mappingId: string, number: string): WebhookRequest;
  /** Those of a call of somebody, and of what was said in it, which comes later. */
  call?(mappingId: string, number: string): [WebhookRequest, WebhookRequest];
}

const ours = {
  sms: { address: "+15005550009", conversationProviderId: smsProviderId },
  email: { address: "support@example.com", conversationProviderId: emailProviderId },
};

const begunAt = Date.now();

/** What `altId` is in HighLevel: which provider, whose message, and which one of theirs. */
export const idOf = (provider: string, person: number, number: number) => `${provider}-${person}-${number}`;
export const stopIdOf = (number: string) => `stop-${number.slice(1)}`;
export const callIdOf = (number: string) => `call-${number.slice(1)}`;
export const personNumber = (person: number) => `+1500${String(5_560_000 + person)}`;

const addressOf = (provider: Provider, person: number) =>
  provider.channel === "email" ? `person${person}@example.org` : personNumber(person);

export const loadProviders: LoadProvider[] = providers.map((provider) => {
  const { address, conversationProviderId } = ours[provider.channel];
  const write = (mappingId: string, message: Omit<Parameters<typeof writeMessage>[1], "to">) =>
    writeMessage(provider, { ...message, to: address }, { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() });
  return {
    mapping: {
      ...{ provider: provider.name, address, conversationProviderId },
      credentials: allCredentials(provider),
    },
    webhook: (mappingId, person, number) => {
      const id = idOf(provider.name, person, number);
      const from = addressOf(provider, person);
      const sentAt = new Date(begunAt + number * 1000);
      return write(mappingId, { id, from, text: id, subject: id, rfcMessageId: id, sentAt });
    },
    ...(provider.channel === "sms"
      ? { stop: (mappingId, from) => write(mappingId, { id: stopIdOf(from), from, text: "STOP" }) }
      : {}),
    ...(provider.name === "generic-sms" ? { call: writeCall } : {}),
  };
});

function writeCall(mappingId: string, from: string): [WebhookRequest, WebhookRequest] {
  const id = callIdOf(from);
  const sign = (type: string, data: object) => {
    const sample = { contentType: "application/json", body: { type, data } };
    return providerOf("generic-sms").signer.sign(sample, { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() });
  };
  return [
    sign("call.ended", { id, from, to: ours.sms.address, status: "completed", durationSeconds: 60 }),
    sign("call.recorded", { callId: id, id: `said-${from.slice(1)}`, to: ours.sms.address, text: "Call me back." }),
  ];
}

/** Where each of several processes is killed or cut off, one text and email of each way of signing tell as much as all. */
const various = new Set(["twilio", "telnyx", "plivo", "postmark", "mailgun", "generic-sms", "generic-email"]);
export const someProviders = loadProviders.filter(({ mapping }) => various.has(mapping.provider));

/** Those of them that version 0.2.0 has. */
const early = new Set(["twilio", "telnyx", "postmark", "mailgun", "generic-sms", "generic-email"]);
export const earlyProviders = someProviders.filter(({ mapping }) => early.has(mapping.provider));

/** What the ids of a person's messages have in common; its messages must come in the order of their numbers. */
const lineOf = (id: string) => id.slice(0, id.lastIndexOf("-"));
export const numberOf = (id: string) => Number(id.slice(id.lastIndexOf("-") + 1));

/** Who has written a message, as HighLevel's contact must say. */
function writerOf(id: string): string {
  const [, provider = "", person] = /^(.*)-(\d+)$/.exec(lineOf(id)) ?? [];
  return addressOf(providerOf(provider), Number(person));
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
    if (address !== writerOf(id) || !new RegExp(`\\b${id}\\b`).test(text)) verdict.misplaced.push(id);
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
