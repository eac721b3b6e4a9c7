import { z } from "zod";
import { whatsappChecks } from "../checks/whatsapp.ts";
import { atLeast, credentials, printable, secret, setting, shape } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { at, code, listOf, maybeText, messageId, phoneWithoutPlus, requiredText } from "../kit/fields.ts";
import { bearer, challenge } from "../kit/proofs.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, idAt, post } from "../kit/sends.ts";
import { hmac, inHeader } from "../kit/signatures.ts";
import { compose } from "./whatsapp/compose.ts";
import { graph, numberIdOf } from "./whatsapp/graph.ts";
import { message, readMessage } from "./whatsapp/read-message.ts";

/**
 * WhatsApp Cloud API by Meta: https://developers.facebook.com/documentation/business-messaging/whatsapp
 * Longer than others by what people can send, which is read in whatsapp/read-message.ts.
 */
export const whatsapp = defineProvider({
  label: "WhatsApp Cloud API",
  channel: "sms",
  credentials: credentials({
    always: {
      appSecret: secret("App secret", "In Meta's App Dashboard under App settings, Basic.", printable),
      verifyToken: secret(
        "Verify token",
        "Of your choice, as `openssl rand -hex 24` makes one: Meta gives it when it asks whether the URL is yours.",
        atLeast(16),
      ),
    },
    toSend: {
      accessToken: secret(
        "Access token",
        "Of a system user of the business: in Meta's Business settings under Users, System users, give the user the app and the WhatsApp account, then press Generate token, with no end, and with the permissions whatsapp_business_messaging and whatsapp_business_management. Files that people send need it, too.",
        printable,
      ),
      phoneNumberId: setting(
        "Phone number id",
        "Under WhatsApp, API Setup, below the number. For several numbers with one account: `+15005550009=106540352242922, +15005550010=106540352242923`.",
        shape(
          /^(\d{5,20}|\+\d{7,15}=\d{5,20}(\s*,\s*\+\d{7,15}=\d{5,20})*)$/,
          "must be an id of digits, or numbers with their ids, such as +15005550009=106540352242922",
        ),
      ),
    },
  }),
  pasteAt:
    "the app's _Callback URL_ under WhatsApp, Configuration, with the verify token beside it; then subscribe to the field _messages_ there, and to _smb_message_echoes_ where the number is used in the WhatsApp Business app as well. Register the account here first: Meta asks the URL when _Verify and save_ is pressed",
  notes: [
    "What people write comes only where the app is published (until then Meta posts nothing but the dashboard's tests), and where it is subscribed to the WhatsApp Business Account: `POST https://graph.facebook.com/v25.0/<account id>/subscribed_apps`, with the access token as a bearer token.",
    "A business may write freely for 24 hours after a person's last message. Later WhatsApp refuses everything but a template that Meta has approved (code 131047), and the bridge sends no templates: use WhatsApp Manager for those until the person writes again.",
    "Numbers of an account are told apart by Meta's `display_phone_number`: map that number.",
    "One message holds one file; a second one, or one of a type that WhatsApp does not take, goes as a link. A text may have 4096 characters, the words beside a file 1024.",
    "A reaction and a reply name the message that they answer by its id, which is all that Meta tells.",
    "Files that people send can be fetched for seven days.",
    "Persons who hide their number behind a user name cannot be answered: what they write is ignored, and the webhook says so. So is what is written in groups.",
  ],
  receives: {
    contentTypes: ["application/json"],
    // https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
    proof: hmac({
      source: inHeader("x-hub-signature-256", { prefix: "sha256=" }),
      ...{ hash: "sha256", encoding: "hex", key: ({ appSecret }) => appSecret },
    }),
    // https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
    handshake: challenge({
      mode: ["hub.mode", "subscribe"],
      ...{ token: "hub.verify_token", challenge: "hub.challenge", key: ({ verifyToken }) => verifyToken },
    }),
    sample: ({ id, from, to, text: body, at }) => {
      const said = {
        id,
        from: from.slice(1),
        timestamp: String(Math.floor(at.getTime() / 1000)),
        type: "text",
        text: { body },
      };
      const value = { metadata: { display_phone_number: to.slice(1) }, messages: [said] };
      return jsonSample({ object: "whatsapp_business_account", entry: [{ changes: [{ field: "messages", value }] }] });
    },
    read,
  },
  sends: {
    onlyService: "whatsapp",
    // https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages
    request: (outbound, { accessToken, phoneNumberId }) => {
      const url = `${graph}/${numberIdOf(outbound.from, phoneNumberId)}/messages`;
      return post(url, bearer(accessToken), compose(outbound));
    },
    answer: answerOf({ ...idAt("messages.0.id"), refused: at("error", problemIn("message")) }),
    // https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
    refusals: {
      "131050": "opted_out",
      ...{ "0": "misconfigured", "3": "misconfigured", "10": "misconfigured", "190": "misconfigured" },
      ...{ "131005": "misconfigured", "131042": "misconfigured", "131045": "misconfigured", "133010": "misconfigured" },
      ...{
        "4": "throttled",
        "80007": "throttled",
        "130429": "throttled",
        "131048": "throttled",
        "131056": "throttled",
      },
    },
  },
  media: {
    hosts: ["graph.facebook.com"],
    path: () => `${new URL(graph).pathname}/{id}`,
    // https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
    located: { at: (answer) => at("url", requiredText).safeParse(answer).data, hosts: ["lookaside.fbsbx.com"] },
    headers: ({ accessToken }) => bearer(accessToken),
  },
  checks: whatsappChecks,
});

const advice: Record<string, string> = {
  "131047":
    "More than 24 hours have passed since the person wrote: until they write again, WhatsApp takes only a template that Meta has approved",
};

/** A refusal, in the answer to a send or in a receipt; `words` is the field with its words. */
function problemIn(words: "message" | "title") {
  const details = z.object({ details: maybeText }).nullish();
  return z.object({ code, [words]: maybeText, error_data: details }).transform((problem) => {
    const { code, error_data: more } = problem as {
      code: string;
      error_data?: { details?: string | undefined } | null;
    };
    const said = more?.details ?? (problem[words] as string | undefined) ?? `WhatsApp error ${code}`;
    const help = Object.hasOwn(advice, code) ? `${advice[code]}. ` : "";
    return { code, message: `${help}${said}` };
  });
}

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status */
const words: StatusWords = {
  ...{ sent: "sent", delivered: "delivered", read: "read", played: "read", failed: "failed" },
};
const status = z.object({
  ...{ id: messageId, status: requiredText, biz_opaque_callback_data: maybeText },
  errors: listOf(problemIn("title")),
});

/** Who the people are by their own profiles: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages */
const profile = z.object({ wa_id: maybeText, profile: z.object({ name: maybeText }).nullish() });

const change = z.object({
  field: requiredText,
  value: z
    .object({
      metadata: z.object({ display_phone_number: phoneWithoutPlus(undefined) }).nullish(),
      contacts: listOf(profile).catch([]),
      ...{ messages: listOf(message), message_echoes: listOf(message), statuses: listOf(status) },
    })
    .refine(({ metadata, messages, message_echoes }) => metadata || messages.length + message_echoes.length === 0, {
      ...{ path: ["metadata"], message: "is missing" },
    }),
});
const changes = at("entry", z.array(z.object({ changes: z.array(change).min(1) })).min(1));

/** One request holds what happened meanwhile: to several numbers, and of several kinds. */
function read(webhook: DecodedWebhook) {
  return webhook.read(changes).flatMap(({ changes: each }) => each.flatMap(readChange));
}

function readChange({ field, value }: z.infer<typeof change>) {
  const { metadata, contacts, messages, message_echoes: echoes, statuses } = value;
  const own = metadata?.display_phone_number ?? "";
  const nameOf = (person: string) => contacts.find(({ wa_id: id }) => `+${id}` === person)?.profile?.name;
  const events = [
    ...messages.map((each) =>
      readMessage(each, own, (from, said) => text({ ...said, from, fromName: nameOf(from), to: [own] })),
    ),
    ...echoes.map((each) =>
      readMessage({ ...each, from: each.to }, own, (to, said) => {
        return text({ ...said, from: own, to: [to], direction: "outbound" });
      }),
    ),
    ...statuses.map((each) =>
      receipt(each.status, words, () => {
        return { id: each.id, reference: each.biz_opaque_callback_data, ...each.errors[0] };
      }),
    ),
  ];
  return events.length > 0 ? events : [ignored(`a change of ${field}: says nothing that is bridged`)];
}
