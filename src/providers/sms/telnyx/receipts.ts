import { z } from "zod";
import { requirePhoneNumber } from "../../../formats/phone-number.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { receipt, type StatusWords } from "../../kit/events.ts";
import { at, code, listOf, maybeText, messageId, requiredText } from "../../kit/fields.ts";

/** https://developers.telnyx.com/development/api-fundamentals/api-errors */
export const apiError = z
  .object({ code, title: maybeText, detail: maybeText })
  .transform(({ title, detail, ...error }) => ({ ...error, message: detail ?? title ?? `Telnyx error ${error.code}` }));

/** `delivery_unconfirmed` is final: the carrier took the message, and nobody will say more. */
const words: StatusWords = {
  ...{ sent: "sent", delivery_unconfirmed: "sent", delivered: "delivered", read: "read" },
  ...{ expired: "failed", sending_failed: "failed", delivery_failed: "failed" },
};

const person = z.object({ phone_number: requiredText, status: maybeText });
/** Of WhatsApp's the number alone may stand there, and the status beside it. */
const update = at("data.payload", {
  ...{ id: messageId, to: z.union([z.array(person).min(1), requiredText]), cc: listOf(person), status: maybeText },
  errors: listOf(apiError),
});

/** One for each person of a group, of whom each is reached or not. */
export function readReceipts(webhook: DecodedWebhook) {
  const { id, to, cc, errors, status } = webhook.read(update);
  const people = typeof to === "string" ? [{ phone_number: to, status }] : to;
  return [...people, ...cc].map(({ phone_number: number, status: word = "missing" }, _, { length }) =>
    receipt(word, words, () => {
      const recipient = length > 1 ? requirePhoneNumber(number, "data.payload.to") : undefined;
      const error = errors[0] ?? { code: word, message: `Telnyx says ${word}` };
      return { id, reference: webhook.reference, recipient, ...error };
    }),
  );
}
