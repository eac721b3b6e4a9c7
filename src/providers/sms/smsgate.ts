import { z } from "zod";
import type { OutboundMessage } from "../../model.ts";
import { smsGateChecks } from "../checks/phones/smsgate.ts";
import { atLeast, choice, credentials, httpUrl, pathSegment, secret, setting, shape } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { at, listOf, maybeText, messageId, perNumber, phoneSeenBy, requiredText, time } from "../kit/fields.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, idAt, post, withLinks } from "../kit/sends.ts";
import { hmac, inHeader } from "../kit/signatures.ts";
import { callOf } from "./smsgate/call.ts";

/**
 * SMSGate (SMS Gateway for Android): a phone of one's own, by its makers' cloud or one's own server. https://docs.sms-gate.app
 * Longer than others by what a phone may not know, and by files that come inside of a webhook.
 */
export const smsGate = defineProvider({
  label: "SMSGate",
  channel: "sms",
  credentials: credentials({
    always: {
      signingKey: secret(
        "Signing key",
        "In the app's settings under Webhooks, Signing Key: the app makes one, which can be changed.",
        atLeast(8),
      ),
    },
    toSend: {
      username: setting(
        "Username",
        "On the app's first page, under Cloud Server, once that is switched on and the app is online.",
        shape(/^[!-9;-~]+$/, "must have no colon and no blank"),
      ),
      password: secret("Password", "Beside the username.", shape(/^[!-~]+$/, "must be without blanks")),
    },
    ifWanted: {
      apiUrl: setting(
        "API URL",
        "Of your own server, as https://sms.example.com/api/3rdparty/v1; else it is https://api.sms-gate.app/3rdparty/v1.",
        httpUrl,
      ),
      deviceId: setting("Device ID", "Of the phone with the number, where the account has several.", pathSegment),
      simNumber: choice("SIM", "Of the number, where the phone has several.", ["1", "2", "3"]),
    },
  }),
  pasteAt:
    'a webhook for each of the events sms:received, mms:downloaded, sms:sent, sms:delivered, sms:failed and sms:cancelled: at https://dashboard.sms-gate.app, with the username and password, or by `POST https://api.sms-gate.app/3rdparty/v1/webhooks` with them as Basic authentication and `{ "url": "<webhookUrl>", "event": "sms:received" }`. The URL must begin with https',
  notes: [
    "Webhooks that are made in the cloud come to the phone after a while: the app lists them in its settings under Webhooks.",
    "The phone itself posts, for two days where it must: its clock may be wrong by five minutes at most.",
    "Give the app the permission to read the phone's state, or it does not know its number. Then the number of the mapping is taken, which an account of several does not have.",
    "Pictures come inside of the webhook `mms:downloaded`, in base64: set `SMS_BODY_LIMIT_KB` to a third more than the largest that you want, such as `2000`. The app sends none: files go out as links in the text.",
    "Of a long text each part is told to be delivered: by the first of them the message counts as delivered.",
    "The app tells nothing of calls.",
  ],
  receives: {
    contentTypes: ["application/json"],
    proof: hmac({
      ...{ hash: "sha256", encoding: "hex", key: ({ signingKey }) => signingKey },
      source: inHeader("x-signature", { timestamp: "x-timestamp", over: "{body}{timestamp}" }),
    }),
    sample: ({ id, from, to, text: words, at: receivedAt }) =>
      jsonSample({
        ...{ event: "sms:received", id },
        payload: { message: words, sender: from, phoneNumber: from, recipient: to, receivedAt },
      }),
    read,
    files: (webhook) => (isMms(webhook) ? filesIn(webhook.read(downloaded)).map(({ content }) => content) : []),
  },
  sends: {
    receiptsLackReference: true,
    // https://docs.sms-gate.app/features/sending-messages
    request: (message, { simNumber, ...account }) => {
      const { url, headers } = callOf(account, "messages");
      return post(url, headers, compose(message, account.deviceId, simNumber));
    },
    answer: answerOf({ ...idAt("id"), refused: refusal() }),
  },
  checks: smsGateChecks,
});

/** Some have a code, the others nothing but words. */
function refusal() {
  const answer = z.object({
    message: requiredText,
    code: z.union([z.number(), requiredText]).nullish().catch(undefined),
  });
  return answer.transform(({ message, code }) => ({ code: String(code ?? "error"), message }));
}

const words: StatusWords = {
  ...{ "sms:sent": "sent", "sms:delivered": "delivered", "sms:failed": "failed", "sms:cancelled": "failed" },
};

const kind = z.object({ event: requiredText });
const update = at("payload", { messageId, reason: maybeText });
const eventOf = (webhook: DecodedWebhook) => webhook.read(kind).event;
const isMms = (webhook: DecodedWebhook) => eventOf(webhook) === "mms:downloaded";

/** https://docs.sms-gate.app/features/webhooks */
function read(webhook: DecodedWebhook, ownAddress?: string) {
  const event = eventOf(webhook);
  if (event === "sms:received") return readText(webhook, ownAddress);
  if (event === "mms:downloaded") return readMms(webhook, ownAddress);
  if (event === "mms:received") return ignored("an MMS is coming: the event mms:downloaded brings it, where it is set");
  if (event === "sms:data-received") return ignored("a data SMS: it is for programs");
  if (!Object.hasOwn(words, event)) return ignored(`event ${event}: says nothing that is bridged`);
  return receipt(event, words, () => {
    const { messageId: id, reason } = webhook.read(update);
    const given = event === "sms:cancelled" ? "somebody has cancelled it at SMSGate" : `SMSGate says ${event}`;
    return { id, message: reason ?? given };
  });
}

const ownOf = perNumber((ownAddress) => {
  const recipient = maybeText.transform((given) => given ?? ownAddress).pipe(phoneSeenBy(ownAddress));
  return at("payload", { recipient, receivedAt: time });
});

/** What the phone calls a message is made of its words and time: the event's own id is no other's. */
const senderTo = perNumber((own) => {
  // Older versions have `phoneNumber` alone.
  const payload = z
    .object({ sender: maybeText, phoneNumber: maybeText })
    .transform(({ sender, phoneNumber }) => ({ sender: sender ?? phoneNumber }))
    .pipe(z.object({ sender: phoneSeenBy(own) }));
  return z.object({ id: messageId, payload });
});

function readHead(webhook: DecodedWebhook, ownAddress: string | undefined) {
  const { recipient, receivedAt: sentAt } = webhook.read(ownOf(ownAddress));
  const { id, payload } = webhook.read(senderTo(recipient));
  return { id, from: payload.sender, to: [recipient], sentAt };
}

const said = at("payload", { message: maybeText });

function readText(webhook: DecodedWebhook, ownAddress: string | undefined) {
  return text({ ...readHead(webhook, ownAddress), text: webhook.read(said).message });
}

const file = z.object({ contentType: maybeText, name: maybeText, data: maybeText });
const downloaded = at("payload", { body: maybeText, subject: maybeText, attachments: listOf(file) });

/** Those whose content came along. */
const filesIn = (mms: z.infer<typeof downloaded>) =>
  mms.attachments.flatMap(({ data, ...facts }) => (data ? [{ ...facts, content: Buffer.from(data, "base64") }] : []));

function readMms(webhook: DecodedWebhook, ownAddress: string | undefined) {
  const mms = webhook.read(downloaded);
  const files = filesIn(mms);
  const attachments = files.map(({ content, ...facts }) => ({ ...facts, sizeBytes: content.length }));
  const lost = mms.attachments.length - files.length;
  const notice = lost > 0 ? `[${lost} of the files could not be read on the phone]` : undefined;
  const said = [mms.body, notice].filter(Boolean).join("\n") || undefined;
  return text({ ...readHead(webhook, ownAddress), subject: mms.subject, text: said, attachments });
}

/** Without the id of our choice, which another bridge of the same account might choose as well. */
function compose({ to, text: said, attachments }: OutboundMessage, deviceId?: string, simNumber?: string) {
  return {
    ...{ textMessage: { text: withLinks(said, attachments) }, phoneNumbers: [to] },
    ...{ deviceId, simNumber: simNumber === undefined ? undefined : Number(simNumber) },
  };
}
