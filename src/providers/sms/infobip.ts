import { z } from "zod";
import type { OutboundMessage, ProviderEvent } from "../../model.ts";
import { infobipChecks } from "../checks/infobip.ts";
import { atLeast, credentials, printable, secret, setting, shape } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { receipt, type StatusWords, text } from "../kit/events.ts";
import {
  at,
  code,
  listOf,
  maybeText,
  messageId,
  phoneWithoutPlus,
  reference,
  requiredText,
  time,
} from "../kit/fields.ts";
import { basicAuth } from "../kit/proofs.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, post, withoutPlus } from "../kit/sends.ts";

/** Infobip's SMS API v3 and MMS API v2; long by its batches of three kinds: https://www.infobip.com/docs/api/channels/sms */
export const infobip = defineProvider({
  label: "Infobip",
  channel: "sms",
  credentials: credentials({
    always: {
      username: setting(
        "User name",
        "Of your choice: given to the subscription's authentication settings, of the type Basic.",
        printable,
      ),
      password: secret(
        "Password",
        "Of your choice, as `openssl rand -hex 24` makes one: given beside the user name.",
        atLeast(12),
      ),
    },
    toSend: {
      apiKey: secret(
        "API key",
        "In the portal under Developer tools, API keys. Give it the scopes that send: `sms:message:send`, and for pictures that of MMS.",
        printable,
      ),
      baseUrl: setting(
        "Base URL",
        "Your own, on the portal's first page and beside the API keys, with https:// before it, as https://xxxxx.api.infobip.com.",
        ownHost(),
      ),
    },
  }),
  pasteAt:
    "a subscription of the category SMS, and one of MMS, by _Create subscription_ in the portal under Developer Tools, Subscriptions Management: with the events for inbound messages and delivery reports, and a notification profile that has the URL and authentication settings of the type Basic, with the user name and password. A URL that is set at the number alone comes without them, and all of it is refused",
  notes: [
    "A message that is posted again may be sent again: Infobip does not say what it does with an id that it knows, so the bridge relies on none.",
    "Where the number has an inbound configuration of its own, set it to follow the subscription.",
    "Infobip's HMAC is not supported: where the signature stands is not published.",
  ],
  receives: {
    contentTypes: ["application/json"],
    proof: basicAuth({ pair: ({ username, password }) => [username, password] }),
    sample: ({ id, from, to, text, at: sentAt }) =>
      jsonSample({
        results: [{ messageId: id, from: from.replace("+", ""), to: to.replace("+", ""), text, receivedAt: sentAt }],
      }),
    read,
  },
  sends: {
    request: (message, { apiKey, baseUrl }) => {
      const path = message.attachments.length > 0 ? "/mms/2/messages" : "/sms/3/messages";
      return post(baseUrl.replace(/\/$/, "") + path, { authorization: `App ${apiKey}` }, compose(message));
    },
    answer: answerOf({
      taken: taken(),
      sent: (id) => ({ providerMessageId: id }),
      refused: refused(),
      refusesWithin200: true,
    }),
    refusals: { REJECTED_NOT_ENOUGH_CREDITS: "misconfigured", UNAUTHORIZED: "misconfigured", E401: "misconfigured" },
  },
  checks: infobipChecks,
});

function ownHost() {
  return shape(/^https:\/\/([a-z\d-]+\.)*infobip\.com\/?$/i, "must be https:// and your host at infobip.com");
}

function isRefusal(groupName: string): boolean {
  return groupName === "REJECTED" || groupName === "UNDELIVERABLE";
}

function taken() {
  const accepted = z.object({ groupName: z.string().refine((name) => !isRefusal(name)) }).nullish();
  return at("messages.0", { messageId, status: accepted }).transform(({ messageId: id }) => id);
}

/** A message that is refused in a 200, and the two shapes of any other refusal. */
function refused() {
  const status = z.object({ groupName: z.string().refine(isRefusal), name: requiredText, description: maybeText });
  const problem = z.object({ errorCode: code, description: requiredText });
  return z.union([
    at("messages.0.status", status).transform(({ name, description = name }) => ({ code: name, message: description })),
    at("requestError.serviceException", { messageId: code, text: requiredText }).transform((error) => {
      return { code: error.messageId, message: error.text };
    }),
    problem.transform(({ errorCode, description }) => ({ code: errorCode, message: description })),
  ]);
}

/** Groups of statuses, and names that say otherwise than theirs. https://www.infobip.com/docs/developer-resources/api-fundamentals/message-status-codes */
const words: StatusWords = {
  ...{ DELIVERED: "delivered", UNDELIVERABLE: "failed", EXPIRED: "failed", REJECTED: "failed" },
  ...{ DELIVERED_TO_OPERATOR: "sent", PENDING_WAITING_DELIVERY: "sent" },
};

const number = phoneWithoutPlus(undefined);
const incoming = { messageId, from: number, to: number, receivedAt: time };
const texted = z.object({ ...incoming, text: maybeText });
const segment = z.object({ contentType: maybeText, value: maybeText, url: maybeText });
const pictured = z.object({ ...incoming, message: listOf(segment) });
const reason = z.object({ name: maybeText, description: maybeText });
const report = z.object({
  ...{ messageId, callbackData: reference.nullish().catch(undefined), error: reason.nullish().catch(undefined) },
  status: z.object({ groupName: requiredText, name: maybeText, description: maybeText }),
});
const result = z.looseObject({}).transform((given, context) => {
  const parsed = schemaOf(given).safeParse(given);
  if (parsed.success) return parsed.data;
  for (const { message, path } of parsed.error.issues) context.addIssue({ code: "custom", message, path });
  return z.NEVER;
});

function read(webhook: DecodedWebhook) {
  return webhook.read(z.object({ results: z.array(result) })).results;
}

/** A report has a status, and an MMS a list of parts. */
function schemaOf(given: Record<string, unknown>): z.ZodType<ProviderEvent> {
  if (given["status"]) return report.transform(readReport);
  return given["message"] ? pictured.transform(readMms) : texted.transform(readSms);
}

function readSms({ messageId: id, to, receivedAt: sentAt, ...rest }: z.infer<typeof texted>) {
  return text({ ...rest, id, to: [to], sentAt });
}

function readMms({ messageId: id, from, to, receivedAt: sentAt, message }: z.infer<typeof pictured>) {
  const attachments = message.flatMap(({ url, contentType }) => (url ? { url, contentType } : []));
  const said = message.flatMap(({ value, contentType = "text/plain" }) =>
    /^text\/plain/i.test(contentType) ? value : [],
  );
  return text({ id, from, to: [to], sentAt, attachments, text: said.filter(Boolean).join("\n") || undefined });
}

function readReport({ messageId: id, callbackData, error, status }: z.infer<typeof report>) {
  const { groupName, name = groupName, description } = status;
  return receipt(Object.hasOwn(words, name) ? name : groupName, words, () => {
    const why = error?.name && error.name !== "NO_ERROR" ? error : { name, description };
    return { id, reference: callbackData ?? undefined, code: why.name, message: why.description };
  });
}

function compose({ reference: callbackData, from, to, text: said, attachments }: OutboundMessage) {
  const files = attachments.map(({ url, contentType }) => ({ type: "LINK", contentUrl: url, contentType }));
  const parts = [...(said ? [{ type: "TEXT", text: said }] : []), ...files];
  const content = files.length > 0 ? { messageSegments: parts } : { text: said ?? "" };
  const message = { sender: withoutPlus(from), destinations: [{ to: withoutPlus(to) }], content };
  return { messages: [{ ...message, webhooks: { callbackData } }] };
}
