import { z } from "zod";
import type { ApiRequest } from "../calls/call-api.ts";
import { isChatId } from "../formats/address.ts";
import { describePlace } from "../formats/describe-place.ts";
import { parseMessageIds } from "../formats/mail-headers.ts";
import {
  type Channel,
  type Consent,
  callStatuses,
  type OutboundAttachment,
  type OutboundMessage,
  type ProviderEvent,
  type ProviderMessage,
  type TextService,
} from "../model.ts";
import { attachments, openFiles, readEmail } from "./email/generic/read-email.ts";
import { credentials, httpUrl, requireCredential, secret, setting } from "./kit/credentials.ts";
import type { DecodedWebhook } from "./kit/decode.ts";
import { defineProvider } from "./kit/define-provider.ts";
import { addition, call, consent, ignored, receipt, type StatusWords, text, transcript } from "./kit/events.ts";
import {
  anyPartySeenBy,
  at,
  callPartySeenBy,
  code,
  knownContact,
  mailbox,
  maybeText,
  messageId,
  oneOrMore,
  perNumber,
  reference,
  requiredText,
  seconds,
  time,
} from "./kit/fields.ts";
import { jsonSample } from "./kit/recipes/samples.ts";
import { answerOf, post } from "./kit/sends.ts";
import { decodeSecret, signWebhook, standardWebhooks, webhookKey, webhookSecret } from "./kit/standard-webhooks.ts";

/** Any sender of texts that speaks docs/protocol.md: JSON, signed by Standard Webhooks (https://www.standardwebhooks.com). */
export const genericSms = genericProvider({
  label: "Generic SMS",
  channel: "sms",
  services: ["whatsapp", "rcs"],
  readMessage: (webhook, ownNumber) => {
    const { from, to, text: body, location, contact, ...rest } = webhook.read(smsSeenBy(ownNumber));
    const words = [body, location && describePlace(location)].filter(Boolean).join("\n") || undefined;
    const parties = { from: from.number, service: from.service, to: to.map(({ number }) => number) };
    const { name: fromName, ...known } = contact ?? {};
    const person = contact && { fromName, contact: known };
    return text({ ...rest, ...parties, text: words, ...person });
  },
  takesIds: true,
  readWish: (webhook, ownNumber) => {
    const { from, to } = webhook.read(numbersSeenBy(ownNumber));
    return { from: from.number, to: to.number };
  },
  readCall: (webhook, ownNumber) => {
    const { direction, ...rest } = webhook.read(callSeenBy(ownNumber));
    return call({ ...rest, direction: direction === "outbound" ? direction : undefined });
  },
  readRecipient: () => undefined,
  compose: ({ from, to, text: body, attachments }) => ({ from, to, text: body, attachments: attachments.map(linkTo) }),
});

/** The same for emails, which come as a whole or in fields. */
export const genericEmail = genericProvider({
  label: "Generic email",
  channel: "email",
  readMessage: readEmail,
  readRecipient: (webhook) => webhook.read(recipient).address,
  readWish: (webhook) => {
    const { from, to } = webhook.read(mailboxes);
    return { from: from.address, to: to.address };
  },
  files: openFiles,
  compose: ({ from, fromName, to, cc, bcc, replyTo, subject, text: body, html, ...rest }) => ({
    ...{ from, fromName, to, cc, bcc, replyTo, subject, text: body, html, messageId: rest.rfcMessageId },
    ...{ inReplyTo: rest.inReplyTo, references: rest.references, unsubscribeUrl: rest.unsubscribeUrl },
    attachments: rest.attachments.map(linkTo),
  }),
});

/** What texts and emails do not have in common. */
interface Generic {
  label: string;
  channel: Channel;
  services?: readonly TextService[];
  takesIds?: true;
  readMessage(webhook: DecodedWebhook, ownAddress: string | undefined): ProviderMessage | Promise<ProviderEvent[]>;
  /** A person's wish, from whom and for which of our addresses. */
  readWish(webhook: DecodedWebhook, ownAddress: string | undefined): Pick<Consent, "from" | "to">;
  readCall?(webhook: DecodedWebhook, ownAddress: string | undefined): ProviderEvent;
  /** Whom of an email's recipients a receipt is about, which names one. */
  readRecipient(webhook: DecodedWebhook): string | undefined;
  files?(webhook: DecodedWebhook): (Buffer | undefined)[] | Promise<Buffer[]>;
  /** The data that is posted, besides the reference. */
  compose(message: OutboundMessage): Record<string, unknown>;
}

function genericProvider(generic: Generic) {
  const { label, channel, files: open, compose, services = [] } = generic;
  return defineProvider({
    ...{ label, channel },
    credentials: credentials({
      always: {
        secret: secret(
          "Secret",
          "The sender signs with it; without a sendSecret the bridge does, too. Of your choice, or the sender's.",
          webhookKey,
        ),
      },
      toSend: {
        sendUrl: setting("Send URL", "Where the bridge posts the messages that are to be sent.", httpUrl),
      },
      ifWanted: {
        sendSecret: secret(
          "Send secret",
          "The bridge signs with it. Needed where the secret is a whpk_ key, which cannot sign.",
          webhookSecret,
        ),
      },
    }),
    pasteAt:
      "your own sender, which signs by [Standard Webhooks](https://www.standardwebhooks.com). What it posts and is posted is described in [the protocol](../protocol.md)",
    receives: {
      contentTypes: ["application/json"],
      proof: standardWebhooks({ key: ({ secret: key }) => key }),
      isReferenceSigned: true,
      sample: ({ id, from, to, subject, text: words, at: sentAt }) => {
        const data = { id, from, to, text: words, sentAt, ...(channel === "email" ? { subject } : {}) };
        return jsonSample({ type: "message.received", data });
      },
      read: (webhook, ownAddress) => read(generic, webhook, ownAddress),
      ...(open ? { files: open } : {}),
    },
    sends: {
      request: (message, { secret, sendUrl: url, sendSecret }) => {
        const secretKey = requireCredential(decodeSecret(sendSecret ?? secret), "sendSecret");
        return signedPost(url, secretKey, { reference: message.reference, ...compose(message) });
      },
      answer: answers(),
      services,
      ...(generic.takesIds ? { takesIds: true } : {}),
      isIdempotent: true,
    },
  });
}

const words: StatusWords = {
  ...{ sent: "sent", delivered: "delivered", read: "read", failed: "failed", complained: "complained" },
  ...{ bounced: "bounced", unsubscribed: "unsubscribed", resubscribed: "resubscribed" },
};
const kind = at("type", requiredText);
const progress = z.object({
  ...{ id: messageId.nullish(), reference: reference.nullish(), status: requiredText, recipient: maybeText },
  error: z.object({ code: maybeText, message: maybeText }).nullish(),
});
const update = at(
  "data",
  progress.refine(({ id, reference: ours }) => id || ours, "needs an id or a reference"),
);
const recipient = at("data.recipient", mailbox);

const wish = at("data", z.object({ change: z.enum(["stop", "start"]), detail: maybeText }));

async function read(
  { readMessage, readRecipient, readWish, readCall }: Generic,
  webhook: DecodedWebhook,
  ownAddress?: string,
) {
  const type = webhook.read(kind);
  if (type === "consent.changed")
    return consent({ ...readWish(webhook, ownAddress), cause: "provider", ...webhook.read(wish) });
  if (type === "message.received") return readMessage(webhook, ownAddress);
  if (type === "call.ended" && readCall) return readCall(webhook, ownAddress);
  if (type === "call.recorded" && readCall) return readAddition(webhook);
  if (type === "message.sent") return [await readMessage(webhook, ownAddress)].flat().map(asSent);
  if (type !== "message.status") return ignored(`event ${type}: says nothing that is bridged`);
  const { id, reference: ours, status, error, ...rest } = webhook.read(update);
  return receipt(status, words, () => ({
    ...{ id: id ?? webhookId(ours ?? ""), reference: ours ?? undefined },
    recipient: rest.recipient === undefined ? undefined : readRecipient(webhook),
    ...{ code: error?.code, message: error?.message ?? "no reason was given" },
  }));
}

const asSent = (event: ProviderEvent): ProviderEvent =>
  event.kind === "message" ? { ...event, direction: "outbound" } : event;

const degrees = code.nullish().transform((value) => value ?? undefined);
const location = z
  .object({ label: maybeText, address: maybeText, latitude: degrees, longitude: degrees })
  .nullish()
  // No reason to lose a text when it is spoiled.
  .catch(undefined);
const contact = knownContact.nullish().catch(undefined);
const smsSeenBy = perNumber((ownNumber) => {
  const party = anyPartySeenBy(ownNumber);
  const to = oneOrMore(party);
  const said = { id: messageId, from: party, to, text: maybeText, sentAt: time, attachments, location, contact };
  return at(
    "data",
    z.object(said).refine(({ from, to: [first] }) => areAlike(from, first), notAlike),
  );
});

const numbersSeenBy = perNumber((ownNumber) => {
  const party = anyPartySeenBy(ownNumber);
  return at(
    "data",
    z.object({ from: party, to: party }).refine(({ from, to }) => areAlike(from, to), notAlike),
  );
});

type Party = z.infer<ReturnType<typeof anyPartySeenBy>>;
const areAlike = (from: Party, to: Party | undefined) =>
  to !== undefined && isChatId(from.number) === isChatId(to.number);
const notAlike = "has an id on one side alone: from and to are both ids, or both numbers";
const mailboxes = at("data", { from: mailbox, to: mailbox });
const callDirection = z.enum(["inbound", "outbound"]).nullish();
const callSeenBy = perNumber((ownNumber) => {
  const party = callPartySeenBy(ownNumber);
  const how = { status: z.enum(callStatuses), durationSeconds: seconds, direction: callDirection };
  return at("data", { id: messageId, from: party, to: party, text: maybeText, sentAt: time, attachments, ...how });
});

const added = at(
  "data",
  z
    .object({ callId: messageId, id: messageId, text: maybeText, attachments })
    .refine(({ text: said, attachments: files }) => said || files.length > 0, "needs attachments or a text"),
);

function readAddition(webhook: DecodedWebhook) {
  const { callId, id, text: said, attachments: files } = webhook.read(added);
  const named = files.map((file, index) => ({ ...file, id: index === 0 ? id : `${id}-${index + 1}` }));
  return addition(callId, [...named, ...(said ? [transcript(`${id}-text`, said)] : [])]);
}

/** The time is the signature's, and so our own. */
function signedPost(url: string, secretKey: Buffer, data: { reference: string }): ApiRequest {
  const now = new Date();
  // As bytes: what is signed is what is sent.
  const body = Buffer.from(JSON.stringify({ type: "message.send", timestamp: now.toISOString(), data }));
  const signature = signWebhook(secretKey, webhookId(data.reference), now, body);
  return post(url, { "content-type": "application/json", ...signature }, body);
}

function answers() {
  const errorCode = code.default("rejected");
  const none = { id: undefined, messageId: undefined };
  const problem = z.object({ title: requiredText, detail: maybeText, status: errorCode });
  return answerOf({
    // What is taken may be answered in any way: also with nothing.
    taken: z.object({ id: messageId.optional().catch(undefined), messageId: maybeText.catch(undefined) }).catch(none),
    sent: ({ id, messageId: theirs }, { reference: ours }) => {
      return { providerMessageId: id ?? webhookId(ours), rfcMessageId: parseMessageIds(theirs)[0] };
    },
    // Problem details, or the two shapes that are most common besides.
    refused: z.union([
      at("error", { code: errorCode, message: requiredText }),
      problem.transform(({ title, detail, status }) => ({ code: status, message: detail ?? title })),
      z.object({ code: errorCode, message: requiredText }),
    ]),
  });
}

/** The idempotency key, and the message's id where its sender has none. */
const webhookId = (ours: string) => `msg_${ours}`;

const linkTo = ({ url: link, name, contentType }: OutboundAttachment) => ({ url: link, name, contentType });
