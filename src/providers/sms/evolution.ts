import { z } from "zod";
import type { OutboundAttachment, OutboundMessage } from "../../model.ts";
import { evolutionChecks } from "../checks/evolution.ts";
import { atLeast, credentials, httpUrl, printable, secret, setting, shape } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { code, maybeText, messageId, requiredText } from "../kit/fields.ts";
import { basicAuth, withBasic } from "../kit/proofs.ts";
import { answerOf, idAt, post, withLinks, withoutPlus } from "../kit/sends.ts";
import { asList, type Message, message, numberOf, readMessage } from "./evolution/read-message.ts";

/**
 * WhatsApp by one's own server of the Evolution API, version 2: https://github.com/EvolutionAPI/evolution-api
 * It signs nothing; what proves that a webhook is its is a password in the webhook's URL. Longer than others by files that
 * come inside of a webhook, and by what is written on the phone itself.
 */
export const evolution = defineProvider({
  label: "WhatsApp by Evolution API",
  channel: "sms",
  credentials: credentials({
    always: {
      password: secret(
        "Password",
        "Of your choice, as `openssl rand -hex 24` makes one: it becomes a part of the webhook's URL.",
        atLeast(16),
      ),
    },
    toSend: {
      serverUrl: setting(
        "Server URL",
        "Where your Evolution API is, as https://evolution.example.com: the manager asks for it at the login.",
        httpUrl,
      ),
      instance: setting(
        "Instance",
        "The name of the instance that the number is connected to.",
        shape(/^[\w .@-]{1,100}$/, "must be the name of an instance"),
      ),
      apiKey: secret(
        "API key",
        "The instance's token, which the manager shows on the instance's first page, or the server's AUTHENTICATION_API_KEY.",
        printable,
      ),
    },
  }),
  pasteAt:
    "the instance's webhook, in the manager under Events, Webhook: enabled, with the events MESSAGES_UPSERT and MESSAGES_UPDATE, _Webhook Base64_ on, and _Webhook by Events_ off. The URL holds the password, because Evolution API signs nothing; it is shown whole only in the answer to who set it",
  notes: [
    "Files come inside of the webhook, in base64: set `SMS_BODY_LIMIT_KB` to a third more than the largest that you want, such as `25000`. With a storage (S3 or MinIO) set at Evolution API they come as URLs instead.",
    "What you write on the phone, or in WhatsApp Web, is recorded in HighLevel. Messages of groups, channels and statuses are ignored.",
    "Persons whose number WhatsApp hides behind an id (`@lid`) can be answered only where Evolution API tells the number beside it; else what they write is ignored, and the webhook says so.",
    "It is no product of Meta's: WhatsApp may block numbers that are used this way, above all those that write first.",
  ],
  receives: {
    contentTypes: ["application/json"],
    // The body holds the key of the instance, by which anybody could send.
    proof: { ...ofUrl(), secrets: ["authorization", "apikey"] },
    pastedUrl: (url, { password }) => withBasic(url, user, password),
    read,
    files: (webhook) =>
      isUpsert(webhook) ? webhook.read(upsert).data.flatMap(({ message: said }) => contentOf(said)) : [],
  },
  sends: {
    onlyService: "whatsapp",
    receiptsLackReference: true,
    // https://doc.evolution-api.com/v2/api-reference/message-controller/send-text
    request: (outbound, { serverUrl, instance, apiKey }) => {
      const { call, body } = compose(outbound);
      const url = `${serverUrl.replace(/\/+$/, "")}/message/${call}/${encodeURIComponent(instance)}`;
      return post(url, { apikey: apiKey }, body);
    },
    answer: answerOf({
      ...idAt("key.id"),
      refused: z
        .object({ status: code, error: maybeText, response: z.object({ message: z.unknown() }) })
        .transform(({ status, error, response }) => {
          return { code: status, message: wordsIn(response.message) || error || `HTTP ${status}` };
        }),
    }),
    refusals: { "401": "misconfigured", "403": "misconfigured", "404": "misconfigured" },
  },
  checks: evolutionChecks,
});

const user = "evolution";

function ofUrl() {
  return basicAuth({ pair: ({ password }: { password: string }) => [user, password] });
}

/** Its refusals are texts, lists of texts, or what it found of the numbers. */
function wordsIn(said: unknown): string {
  if (typeof said === "string") return said.replaceAll("\0", "").toWellFormed().slice(0, 1000);
  if (Array.isArray(said)) return said.map(wordsIn).filter(Boolean).join("; ");
  const found = z.object({ exists: z.literal(false), number: maybeText }).safeParse(said).data;
  return found ? `${found.number ?? "the number"} is not on WhatsApp` : "";
}

/** https://github.com/EvolutionAPI/evolution-api, src/utils/renderStatus.ts */
const words: StatusWords = {
  ...{ SERVER_ACK: "sent", DELIVERY_ACK: "delivered", READ: "read", PLAYED: "read", ERROR: "failed" },
};
const kind = z.object({ event: requiredText });
/** Of several messages nobody would know whose file a content is: only one that comes alone has one. */
const upsert = z.object({ sender: maybeText, data: asList(message) }).transform(({ sender, data }) => {
  const isAlone = data.length === 1;
  return { sender, data: isAlone ? data : data.map((each) => ({ ...each, message: withoutContent(each.message) })) };
});
const withoutContent = (said: Message["message"]) => said && { ...said, base64: undefined };
const update = z.object({
  data: asList(z.object({ keyId: messageId, fromMe: z.boolean().nullish(), status: requiredText })),
});

/** As it is posted, or as in the settings, MESSAGES_UPSERT. */
const eventOf = (webhook: DecodedWebhook) => webhook.read(kind).event.toLowerCase().replaceAll("_", ".");
const isUpsert = (webhook: DecodedWebhook) => eventOf(webhook) === "messages.upsert";

function read(webhook: DecodedWebhook, ownAddress?: string) {
  const event = eventOf(webhook);
  if (event === "messages.update") return webhook.read(update).data.map(readUpdate);
  if (event !== "messages.upsert") return ignored(`event ${event}: says nothing that is bridged`);
  const { sender, data } = webhook.read(upsert);
  return data.map((each) =>
    readMessage(each, numberOf(sender) ?? ownAddress, (own, person, said) => {
      const parties = each.key.fromMe
        ? { from: own, to: [person] }
        : { from: person, fromName: each.pushName, to: [own] };
      return text({ ...said, ...parties, direction: each.key.fromMe ? "outbound" : undefined });
    }),
  );
}

function readUpdate({ keyId: id, fromMe, status }: z.infer<typeof update>["data"][number]) {
  if (fromMe === false) return ignored("the status of a message that a person wrote");
  return receipt(status, words, () => ({ id, message: `WhatsApp says ${status}` }));
}

/** The file inside of a webhook, for the one attachment that has no URL. */
function contentOf(said: Message["message"]): (Buffer | undefined)[] {
  const { mediaUrl, base64 } = said ?? {};
  if (mediaUrl) return [undefined];
  return base64 ? [Buffer.from(base64, "base64")] : [];
}

/** A message holds one file, and no words beside a sound: what does not fit in goes as a link. */
function compose({ to, text: words, attachments }: OutboundMessage): {
  call: string;
  body: Record<string, unknown>;
} {
  const number = withoutPlus(to);
  const [first, ...more] = attachments;
  const caption = withLinks(words, more);
  const mediatype = first ? mediaTypeOf(first) : undefined;
  if (!first || (mediatype === "audio" && caption !== "")) {
    return { call: "sendText", body: { number, text: withLinks(words, attachments) } };
  }
  const { url: media, name: fileName, contentType: mimetype } = first;
  return { call: "sendMedia", body: { number, mediatype, mimetype, ...(caption ? { caption } : {}), media, fileName } };
}

function mediaTypeOf({ contentType }: OutboundAttachment): string {
  return /^(image|video|audio)\//.exec(contentType.toLowerCase())?.[1] ?? "document";
}
