import { z } from "zod";
import { triedDeliveryAnswer } from "./delivery.ts";
import { webhookAnswer } from "./webhook.ts";
import { automaticKind, direction, messageOrigin, messageState, rowId, time } from "./words.ts";

const object = z.record(z.string(), z.unknown());
const text = z.string().nullable();

const error = z
  .looseObject({ type: z.string().optional() })
  .describe("Why it failed, or what else the provider said of it.");

const message = z.object({
  id: rowId,
  mappingId: z.uuid().nullable(),
  origin: messageOrigin,
  direction,
  state: messageState,
  reportedState: messageState.nullable().describe("The state that HighLevel was told last."),
  error: error.nullable(),
  recipients: object.nullable().describe("What became of an email with each of its recipients."),
  providerMessageId: text,
  rfcMessageId: text,
  fingerprint: text,
  requestedId: text.describe("HighLevel's id of what it had the bridge send."),
  highlevelMessageId: text,
  highlevelEmailMessageId: text,
  idempotencyKey: text,
  sendAnswer: object.nullable().describe("What HighLevel answered to a message of the send route."),
  automatic: automaticKind.nullable(),
  sentAt: time.nullable().describe("The provider's time, where it tells one."),
  receivedAt: time,
  createdAt: time,
  address: z.string().describe("The person's number or mailbox."),
  locationId: z.string(),
});
const content = object.nullable().describe("What it says; null after the retention time.");

const listed = message.extend({
  firstWords: text.describe("Of its text, or its subject where it has none; null after the retention time."),
});
export const messageAnswer = listed.meta({ id: "Message", description: "A text or an email, without its content." });
export const wholeMessageAnswer = listed
  .extend({
    content,
    sendRequest: object.nullable().describe("What the send route was asked."),
    webhooks: z.array(webhookAnswer),
    deliveries: z.array(triedDeliveryAnswer),
  })
  .meta({ id: "WholeMessage", description: "A message with its whole story." });
export const messageOfPersonAnswer = message
  .extend({ content, sendRequest: object.nullable(), webhookId: rowId.nullable() })
  .meta({ id: "MessageOfPerson" });
