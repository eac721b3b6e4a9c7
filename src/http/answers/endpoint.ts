import { z } from "zod";
import { endpointFormats } from "../../model.ts";
import { content } from "../operations/hide-content.ts";
import { eventType, failureReason, time } from "./words.ts";

const endpoint = z.object({
  id: z.uuid(),
  name: z.string().nullable(),
  format: z.enum(endpointFormats),
  events: z.array(eventType),
  locationIds: z.array(z.string()).nullable().describe("Only what is about these; null for all."),
  createdBy: z.string(),
  createdAt: time,
  updatedAt: time,
  lastDeliveredAt: time.nullable(),
  lastFailedAt: time.nullable(),
  lastFailure: z.object({ reason: failureReason, status: z.int().optional(), detail: content(z.string()) }).nullable(),
  failingSince: time.nullable(),
  disabledAt: time.nullable(),
  disabledReason: z.string().nullable(),
  url: z.string().describe("Of `slack` its origin alone: its path is a secret."),
});
export const endpointAnswer = endpoint.meta({ id: "Endpoint", description: "A URL that is told of events." });
export const toldEndpointAnswer = endpoint
  .extend({ secret: z.string().optional().describe("If there is another one; never shown again.") })
  .meta({ id: "ChangedEndpoint" });
export const endpointTestAnswer = z.object({
  isDelivered: z.boolean(),
  status: z.int().optional(),
  reason: failureReason.optional(),
  detail: content(z.string()).optional(),
});
