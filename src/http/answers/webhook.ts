import { z } from "zod";
import { content } from "../operations/hide-content.ts";
import { rowId, time, webhookSource, webhookState } from "./words.ts";

const id = rowId;
const accountId = z.uuid().nullable().describe("Null for what HighLevel posts to the app as a whole.");
const reason = content(z.string().nullable().describe("Why it failed or was ignored."));
const webhook = z.object({ id, accountId, state: webhookState, reason, receivedAt: time });
const messages = z.array(z.object({ id, mappingId: z.uuid().nullable(), address: content(z.string()) }));

export const webhookAnswer = webhook.meta({
  id: "Webhook",
  description: "A request that a provider or HighLevel made.",
});
export const chosenWebhookAnswer = webhook.extend({ source: webhookSource });
export const listedWebhookAnswer = chosenWebhookAnswer
  .extend({ messages: messages.describe("What it brought.") })
  .meta({ id: "ListedWebhook" });
export const wholeWebhookAnswer = webhook
  .extend({
    messages,
    url: content(z.string()),
    headers: content(z.record(z.string(), z.string()).describe("Without those that carry credentials.")),
    bodyBase64: content(z.string()),
  })
  .meta({ id: "WholeWebhook" });
