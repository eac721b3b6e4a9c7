import { z } from "zod";

const types = [
  ...["SMS", "RCS", "Email", "WhatsApp", "IG", "FB", "GMB", "Custom", "Live_Chat", "TIKTOK"],
  "InternalComment",
] as const;
const statuses = ["delivered", "failed", "pending", "read"] as const;
const periods = ["24h", "48h", "72h"] as const;

const text = z.string({ error: ({ input }) => (input === undefined ? "is required" : "must be a text") });
const id = text.trim().min(1, "must not be empty");
const flag = z.boolean("must be true or false");
/** HighLevel knows more ways to write an address than we do: what is surely none is refused here. */
const mailbox = text.regex(/@/, "must be an email address");
const number = text.regex(/\d/, "must be a phone number");
const oneOf = <const Words extends readonly string[]>(words: Words) =>
  z.enum(words, `must be one of ${words.join(", ")}`);

const forward = z.looseObject({
  isForwarded: flag,
  forwardWholeThread: flag.optional(),
  messageId: text.optional(),
  emailMessageId: text.optional(),
  sourceContactId: text.optional(),
  sourceConversationId: text.optional(),
  toEmail: mailbox.optional(),
  recipientContactId: text.optional(),
  recipientConversationId: text.optional(),
});

/**
 * `SendMessageBodyDto` of HighLevel's OpenAPI files, what its pages name besides, and `locationId`, which there is the token's.
 * https://marketplace.gohighlevel.com/docs/ghl/conversations/send-a-new-message
 */
export const sendBody = z
  .strictObject({
    locationId: id.optional(),
    type: oneOf(types),
    subType: z.union([text, z.looseObject({})], "must be a text or an object").optional(),
    contactId: id,
    appointmentId: id.optional(),
    // HighLevel refuses an empty list, and its own description allows one.
    attachments: z
      .array(text.min(1, "must be a URL"), "must be a list of URLs")
      .transform((urls) => (urls.length > 0 ? urls : undefined))
      .optional(),
    emailFrom: text.min(1, "must not be empty").optional(),
    emailTo: mailbox.optional(),
    emailCc: z.array(mailbox).optional(),
    emailBcc: z.array(mailbox).optional(),
    emailReplyMode: oneOf(["reply", "reply_all"]).optional(),
    html: text.optional(),
    message: text.optional(),
    subject: text.optional(),
    replyMessageId: id.optional(),
    templateId: id.optional(),
    threadId: id.optional(),
    scheduledTimestamp: z
      .number("must be seconds since 1970")
      .min(1_000_000_000, "must be in seconds since 1970")
      .max(9_999_999_999, "must be in seconds since 1970, not milliseconds")
      .optional(),
    conversationProviderId: id.optional(),
    fromNumber: number.optional(),
    toNumber: number.optional(),
    status: oneOf(statuses).optional(),
    customSubtypeId: id.optional(),
    forward: forward.optional(),
    usesNativeSchedulingAi: flag.optional(),
    optimizationPeriod: oneOf(periods).optional(),
    mentions: z.array(text, "must be a list of user ids").optional(),
    userId: id.optional(),
  })
  .superRefine((body, context) => {
    if (body.attachments || body.templateId || body.forward?.isForwarded) return;
    const [field, content] = body.type === "Email" ? ["html", body.html] : ["message", body.message || body.html];
    if (!content)
      context.addIssue({
        code: "custom",
        path: [field as string],
        message: "is required without attachments, templateId or forward",
      });
  });
