import { z } from "zod";
import { normalizeMailbox, parseSender } from "../../../formats/mailbox.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { ignored, receipt, type StatusWords } from "../../kit/events.ts";
import { at, listOf, maybe, maybeReference, maybeText, messageId } from "../../kit/fields.ts";
import { inMessage } from "../../kit/recipes/sns.ts";

const words: StatusWords = {
  ...{ Send: "sent", Delivery: "delivered", Open: "read", Click: "read", Complaint: "complained" },
  ...{ "Bounce Permanent": "bounced", Bounce: "failed", Reject: "failed", "Rendering Failure": "failed" },
};

const person = z.object({ emailAddress: z.string(), action: maybeText, status: maybeText, diagnosticCode: maybeText });
const event = z.object({
  mail: z.object({
    messageId,
    tags: maybe(at("reference.0", maybeReference)),
  }),
  bounce: z.object({ bounceType: maybeText, bounceSubType: maybeText, bouncedRecipients: listOf(person) }).nullish(),
  complaint: z.object({ complainedRecipients: listOf(person) }).nullish(),
  delivery: z.object({ recipients: listOf(z.string()) }).nullish(),
  reject: z.object({ reason: maybeText }).nullish(),
  failure: z.object({ errorMessage: maybeText }).nullish(),
});

/** One for each person of whom it tells. */
export function readReceipts(webhook: DecodedWebhook, type: string) {
  if (!Object.hasOwn(words, type)) return ignored(`event ${type}: says nothing that is passed on`);
  const { mail, bounce, complaint, delivery, reject, failure } = webhook.read(inMessage(event));
  const names = { id: mail.messageId, reference: mail.tags };
  const { bounceType, bounceSubType, bouncedRecipients: bounced = [] } = bounce ?? {};
  // Automatic answers count as such bounces, too: only a report of a failure is one.
  // https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
  const isAnswer = bounceType === "Transient" && !bounced.some(({ action }) => action === "failed");
  if (isAnswer) return ignored(`a bounce of type Transient ${bounceSubType}, which may be an automatic answer`);
  const kind = [bounceType, bounceSubType].filter(Boolean).join(" ");
  const all = [
    ...bounced.map(({ emailAddress, status, diagnosticCode }) => {
      const code = status || kind || type;
      return { ...names, recipient: boxOf(emailAddress), code, message: diagnosticCode ?? `Amazon SES says ${kind}` };
    }),
    ...(complaint?.complainedRecipients ?? []).map(({ emailAddress }) => ({
      ...names,
      recipient: boxOf(emailAddress),
    })),
    ...(delivery?.recipients ?? []).map((each) => ({ ...names, recipient: boxOf(each) })),
  ];
  const word = bounceType === "Permanent" ? "Bounce Permanent" : type;
  const message = reject?.reason ?? failure?.errorMessage;
  return (all.length > 0 ? all : [{ ...names, message }]).map((facts) => receipt(word, words, () => facts));
}

const boxOf = (mailbox: string) => parseSender(mailbox)?.address ?? normalizeMailbox(mailbox);
