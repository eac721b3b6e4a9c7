import { z } from "zod";
import { fileOfHeaders } from "../../formats/mime.ts";
import { outgoingHeadersWithoutId } from "../../formats/outgoing-mail.ts";
import { parseValue } from "../../formats/parse-value.ts";
import type { OutboundMessage } from "../../model.ts";
import { mailjetChecks } from "../checks/email/mailjet.ts";
import { credentials, printable, secret, setting, urlLogin } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { headersByName, maybeMailbox } from "../kit/email/mail-fields.ts";
import { mailOfParts, openParts } from "../kit/email/mail-parts.ts";
import { hashOf } from "../kit/email/mails.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
import { receipt, type StatusWords } from "../kit/events.ts";
import { listOf, maybeReference, maybeText, messageId, oneOrMore, requiredText } from "../kit/fields.ts";
import { basic, byUrlLogin } from "../kit/proofs.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, post } from "../kit/sends.ts";

/**
 * Mailjet: the Parse API (https://dev.mailjet.com/email/guides/parse-api/), sending
 * (https://dev.mailjet.com/email/guides/send-api-v31/) and events (https://dev.mailjet.com/email/guides/webhooks/).
 */
export const mailjet = defineProvider({
  label: "Mailjet",
  channel: "email",
  credentials: credentials({
    always: urlLogin,
    toSend: {
      apiKey: setting("API key", "Under Account settings, API Key Management.", printable),
      secretKey: secret("Secret key", "Beside it.", printable),
    },
  }),
  pasteAt:
    "a parse route (`POST https://api.mailjet.com/v3/REST/parseroute` with the `Url`, and the mailbox as `Email`), and Event tracking (Account settings) for sent, open, bounce, blocked, spam and unsub. The URL holds the credentials, because Mailjet signs nothing; it is shown whole only in the answer to who set them",
  notes: [
    "The Parse API is of paid plans. It takes mails of up to 15 MB, with their files.",
    "Mailjet gives each mail a Message-ID of its own, so ours follows the references: an answer finds its thread by them.",
    "Opens come only when Mailjet tracks them.",
  ],
  receives: {
    contentTypes: ["application/json"],
    ...byUrlLogin,
    sample: ({ id, from, to, subject, text: words, at }) => {
      const headers = {
        From: from,
        To: to,
        Subject: subject,
        Date: at.toUTCString(),
        "Message-ID": `<${id}@bridge.invalid>`,
      };
      return jsonSample({
        Sender: from,
        Recipient: to,
        From: from,
        Subject: subject,
        Headers: headers,
        "Text-part": words,
      });
    },
    read: (webhook) => (isMail(webhook) ? readMail(webhook) : readReceipts(webhook)),
    files: (webhook) => (isMail(webhook) ? openParts(filesIn(webhook)) : []),
  },
  sends: {
    request: (message, { apiKey, secretKey }) =>
      post("https://api.mailjet.com/v3.1/send", basic(apiKey, secretKey), { Messages: [compose(message)] }),
    answer: answerOf({
      taken: z.object({
        Messages: z.tuple([
          z.object({ Status: z.literal("success"), To: z.tuple([z.object({ MessageUUID: messageId })], z.unknown()) }),
        ]),
      }),
      sent: ({ Messages: [{ To }] }) => ({ providerMessageId: To[0].MessageUUID }),
      refused: z
        .union([
          z
            .object({ Messages: z.tuple([z.object({ Errors: z.tuple([z.unknown()], z.unknown()) })]) })
            .transform(({ Messages: [{ Errors }] }) => Errors[0]),
          z.unknown(),
        ])
        .pipe(z.object({ ErrorCode: maybeText, ErrorMessage: requiredText }))
        .transform(({ ErrorCode, ErrorMessage }) => ({ code: ErrorCode ?? "refused", message: ErrorMessage })),
      refusesWithin200: true,
    }),
  },
  checks: mailjetChecks,
});

const isMail = (webhook: DecodedWebhook) =>
  z.object({ Recipient: z.string(), Headers: z.unknown() }).safeParse(webhook.read(z.unknown())).success;

const inbound = z.object({
  ...{ Sender: z.string().optional(), Recipient: maybeText, From: maybeText, Subject: maybeText },
  ...{ Headers: headersByName, "Text-part": maybeText, "Html-part": maybeText },
});
const parts = z.looseObject({ Parts: listOf(z.object({ Headers: headersByName, ContentRef: maybeText })) });

function readMail(webhook: DecodedWebhook) {
  const { Sender, Recipient, From: from, Subject: subject, Headers: headers, ...body } = webhook.read(inbound);
  const [words, files] = [{ text: body["Text-part"], html: body["Html-part"] }, filesIn(webhook)];
  const envelope = { from: Sender, to: Recipient };
  // Mailjet has no id of its own for a mail. What it posts again is the same.
  return mailOfParts({ from, subject, ...words, headers, files, envelope }, () =>
    hashOf(JSON.stringify([headers, words])),
  );
}

/** Each file is a field, whose name stands with its headers among the parts. */
function filesIn(webhook: DecodedWebhook) {
  const { Parts, ...fields } = webhook.read(parts);
  return Parts.flatMap(({ Headers, ContentRef = "" }) => {
    if (!/^(Inline)?Attachment\d+$/.test(ContentRef)) return [];
    const encoded = parseValue(maybeText, fields[ContentRef]);
    const content = encoded === undefined ? undefined : Buffer.from(encoded, "base64");
    return [{ ...fileOfHeaders(Headers), sizeBytes: content?.length, content: content && (() => content) }];
  });
}

/** `sent` is said of an email that the person's server has taken. */
const words: StatusWords = {
  ...{ sent: "delivered", open: "read", spam: "complained", bounce: "failed", blocked: "failed" },
  ...{ "hard bounce": "bounced", unsub: "unsubscribed" },
};

const kind = z.looseObject({ event: maybeText, hard_bounce: z.boolean().optional().catch(undefined) });
const event = z.object({
  // MessageID is a number that JavaScript does not hold exactly.
  ...{ Message_GUID: messageId, email: maybeMailbox },
  ...{ error: maybeText, comment: maybeText, error_related_to: maybeText },
  CustomID: maybeReference,
});

/** One event, or several where they are grouped. */
const readReceipts = (webhook: DecodedWebhook) =>
  webhook.read(oneOrMore(kind)).map((given) => {
    const { event: name = "without a word", hard_bounce: isHard } = given;
    const word = name === "bounce" && isHard ? "hard bounce" : name;
    return receipt(word, words, () => {
      const { Message_GUID: id, CustomID, email: recipient, ...why } = parseValue(event, given);
      const said = why.comment ?? why.error ?? why.error_related_to;
      return { id, reference: CustomID, recipient, code: why.error, message: said };
    });
  });

/** https://dev.mailjet.com/email/reference/send-emails/ */
function compose(message: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text, html } = message;
  const boxes = (addresses: string[]) => addresses.map((Email) => ({ Email }));
  return {
    ...{ From: { Email: from, Name: fromName }, To: boxes([to]), Cc: boxes(cc), Bcc: boxes(bcc) },
    ...{ ReplyTo: replyTo ? { Email: replyTo } : undefined, Subject: subject, TextPart: text, HTMLPart: html },
    Attachments: filesOf(message).map(({ name: Filename, contentType: ContentType, content: Base64Content }) => {
      return { Filename, ContentType, Base64Content };
    }),
    Headers: byName(outgoingHeadersWithoutId(message)),
    ...{ CustomID: message.reference, TrackClicks: "disabled" },
  };
}
