import { z } from "zod";
import type { OutboundMessage } from "../../model.ts";
import { messagebirdChecks } from "../checks/bird/messagebird.ts";
import { credentials, printable, secret } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { receipt, type StatusWords, text } from "../kit/events.ts";
import {
  at,
  code,
  maybeText,
  messageId,
  perNumber,
  phoneWithoutPlus,
  reference,
  requiredText,
  time,
} from "../kit/fields.ts";
import { jwt } from "../kit/jwt.ts";
import { formSample } from "../kit/recipes/samples.ts";
import { answerOf, idAt, post, withLinks, withoutPlus } from "../kit/sends.ts";

/** MessageBird's SMS API, which it had before it became Bird: https://github.com/messagebird/messagebird-nodejs */
export const messagebird = defineProvider({
  label: "MessageBird",
  channel: "sms",
  credentials: credentials({
    always: { signingKey: secret("Signing key", "In the dashboard under Developers, API settings.") },
    toSend: {
      accessKey: secret("Access key", "A live one, in the dashboard under Developers, API access.", printable),
    },
  }),
  pasteAt:
    "the URL of a flow that begins with an SMS to the number and forwards it to a URL by POST, and as the URL for status reports in the API settings",
  notes: [
    "A webhook is taken within a minute after it was signed, as MessageBird says in it.",
    "Accounts of the new Bird have another API: see Bird.",
    "A text may have 1,377 characters. Files go as links: MMS is another API of MessageBird's.",
    "Signatures of the older kind, in `MessageBird-Signature`, are not taken: the newer comes beside them.",
  ],
  receives: {
    contentTypes: ["application/x-www-form-urlencoded", "application/json"],
    takesGet: true,
    // https://github.com/messagebird/messagebird-nodejs/blob/master/lib/webhook-signature-jwt.ts
    proof: jwt({
      ...{ header: "messagebird-signature-jwt", payloadHash: "payload_hash", urlHash: "url_hash" },
      key: ({ signingKey }) => signingKey,
    }),
    isReferenceSigned: true,
    sample: ({ id, from, to, text: payload, at }) =>
      formSample({ id, originator: from, recipient: to, payload, createdDatetime: at.toISOString() }),
    read,
  },
  sends: {
    request: (message, { accessKey }) => {
      const headers = { authorization: `AccessKey ${accessKey}` };
      return post("https://rest.messagebird.com/messages", headers, compose(message));
    },
    answer: answerOf({ ...idAt("id"), refused: refused() }),
    // https://github.com/messagebird/php-rest-api/blob/master/src/MessageBird/Common/ResponseError.php
    refusals: { "2": "misconfigured", "25": "misconfigured" },
  },
  checks: messagebirdChecks,
});

function refused() {
  const problem = at("errors.0", { code, description: requiredText });
  return problem.transform(({ code: given, description: message }) => ({ code: given, message }));
}

/** https://github.com/messagebird/messagebird-nodejs/blob/master/types/messages.d.ts: scheduled and buffered are not yet sent. */
const words: StatusWords = { sent: "sent", delivered: "delivered", expired: "failed", delivery_failed: "failed" };

const kind = z.object({ status: maybeText, originator: code.nullish().catch(undefined) });
const update = z.object({
  ...{ id: messageId, reference: reference.nullish().catch(undefined), statusReason: maybeText },
  statusErrorCode: code.nullish().catch(undefined),
});

/** A status report names no sender. */
function read(webhook: DecodedWebhook, ownNumber?: string) {
  const { status: word, originator } = webhook.read(kind);
  if (word === undefined || originator) return readText(webhook, ownNumber);
  return receipt(word, words, () => {
    const { id, reference: given, statusReason: reason, statusErrorCode } = webhook.read(update);
    return { id, reference: given ?? undefined, code: statusErrorCode ?? reason, message: reason };
  });
}

/** In JSON a number may stand as one. */
const incomingTo = perNumber((ownNumber) => {
  const party = code.pipe(phoneWithoutPlus(ownNumber));
  const said = { payload: maybeText, body: maybeText, message: maybeText };
  return z.object({ id: messageId, originator: party, recipient: party, createdDatetime: time, ...said });
});

function readText(webhook: DecodedWebhook, ownNumber: string | undefined) {
  const { id, originator: from, recipient, createdDatetime: sentAt, ...given } = webhook.read(incomingTo(ownNumber));
  return text({ id, from, to: [recipient], sentAt, text: given.payload ?? given.body ?? given.message });
}

/** Status reports come only for what has a reference. Without `auto`, signs beyond the GSM alphabet are replaced. */
function compose({ from, to, text: said, attachments, reference: given }: OutboundMessage) {
  const body = withLinks(said, attachments);
  const parties = { originator: withoutPlus(from), recipients: [withoutPlus(to)] };
  return { ...parties, body, reference: given, datacoding: "auto" };
}
