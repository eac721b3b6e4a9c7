import { z } from "zod";
import { content } from "../operations/hide-content.ts";
import { attemptAnswer, triedDeliveryAnswer } from "./delivery.ts";
import { storyAnswer } from "./story.ts";
import { webhookAnswer } from "./webhook.ts";
import {
  automaticKind,
  deliveryKind,
  deliveryState,
  direction,
  failureReason,
  messageOrigin,
  messageState,
  rowId,
  time,
} from "./words.ts";

const object = z.record(z.string(), z.unknown());
const text = z.string().nullable();

const error = z
  .looseObject({ type: z.string().optional(), code: z.string().optional() })
  .describe("Why it failed, or what else the provider said of it.");

const message = z.object({
  id: rowId,
  mappingId: z.uuid().nullable(),
  origin: messageOrigin,
  direction,
  state: messageState,
  reportedState: messageState.nullable().describe("The state that HighLevel was told last."),
  error: error.nullable(),
  fates: z
    .array(z.object({ at: time, state: messageState }))
    .nullable()
    .describe("When receipts changed its state, and to what."),
  recipients: object.nullable().describe("What became of an email with each of its recipients."),
  leftOut: z
    .int()
    .nullable()
    .describe("How many receipts of further recipients, or files of a call, came when it had as many as are kept."),
  providerMessageId: text,
  rfcMessageId: text,
  fingerprint: content(text),
  requestedId: text.describe("HighLevel's id of what it had the bridge send."),
  highlevelMessageId: text,
  highlevelEmailMessageId: text,
  idempotencyKey: text,
  sendAnswer: object.nullable().describe("What HighLevel answered to a message of the send route."),
  automatic: automaticKind.nullable(),
  sentAt: time.nullable().describe("The provider's time, where it tells one."),
  receivedAt: time,
  createdAt: time,
  address: content(z.string().describe("The person's number or mailbox.")),
  locationId: z.string(),
  ownAddress: text.describe("The number or mailbox that it came to, or goes out by; null where it has no mapping."),
});
const said = object.nullable().describe("What it says; null after the retention time.");

const listed = message.extend({
  firstWords: content(text.describe("Of its text, or its subject where it has none; null after the retention time.")),
});
export const messageAnswer = listed.meta({ id: "Message", description: "A text or an email, without its content." });
/** In a list, with what of it is not done. */
export const listedMessageAnswer = listed
  .extend({
    open: z
      .object({
        kind: deliveryKind,
        state: deliveryState,
        reason: failureReason.nullable(),
        attempts: z.int(),
        retryAt: time.nullable(),
      })
      .nullable()
      .describe("What waits of it, or was given up."),
  })
  .meta({ id: "ListedMessage" });
const postedCall = z
  .object({
    kind: deliveryKind,
    method: z.enum(["POST", "PUT"]),
    path: z.string(),
    body: object.describe(
      "As it would be posted now: what was posted is not kept, and differs where settings, files or ids did.",
    ),
    attempts: z.array(attemptAnswer).describe("How it was answered; none of a send that was waited for."),
  })
  .meta({ id: "PostedCall", description: "What HighLevel is told for a message." });
export const wholeMessageAnswer = listed
  .extend({
    highlevelUrl: text.describe("The person's page in HighLevel, where the contact is known."),
    contactId: text.describe("HighLevel's id of the person, as far as it is known."),
    previousId: rowId.nullable().describe("The message before it in its conversation."),
    nextId: rowId.nullable().describe("And the one after it."),
    content: said,
    sendRequest: object.nullable().describe("What the send route was asked."),
    webhooks: z.array(webhookAnswer),
    deliveries: z.array(triedDeliveryAnswer),
    steps: storyAnswer.shape.steps.optional().describe("Where they are asked for."),
    posted: z.array(postedCall).optional().describe("The same."),
  })
  .meta({ id: "WholeMessage", description: "A message with its whole story." });
export const messageOfPersonAnswer = message
  .extend({ content: said, sendRequest: object.nullable(), webhookId: rowId.nullable() })
  .meta({ id: "MessageOfPerson" });
