import { z } from "zod";
import { eventTypes } from "../../model.ts";
import type { Tag } from "./tags.ts";

const text = z.string().optional();
const time = z.iso.datetime({ offset: true });
const attachment = z.looseObject({ url: text, name: text, contentType: text });

const event = z
  .looseObject({
    type: z.enum([...eventTypes, "endpoint.test"]),
    timestamp: time.describe("When it happened."),
    data: z.looseObject({}).describe("What there is none of is missing; docs/events.md has what each type holds."),
  })
  .meta({ id: "Event" });

const send = z
  .looseObject({
    type: z.literal("message.send"),
    timestamp: time,
    data: z.looseObject({
      reference: z.string().describe("The bridge's: a receipt names it."),
      from: z.string(),
      to: z.union([z.string(), z.array(z.string())]),
      text,
      attachments: z.array(attachment).optional(),
    }),
  })
  .meta({ id: "SendRequest", description: "Of an email with more fields, which docs/protocol.md has." });

const taken = z.looseObject({ id: text.describe("An id of your own.") }).meta({ id: "SendTaken" });

/** Headers of Standard Webhooks. */
const signature = {
  "webhook-id": z.string().describe("The same over all attempts."),
  "webhook-timestamp": z.string().describe("Unix seconds."),
  "webhook-signature": z.string().describe("`v1,` and the HMAC-SHA256 of `<id>.<timestamp>.<body>` in base64."),
};

export interface Told {
  summary: string;
  tag: Tag;
  headers: Record<string, z.ZodType>;
  body: z.ZodType;
  /** What your side answers. */
  answers: Record<string, { description: string; body?: z.ZodType }>;
}

/** What the bridge itself posts. */
export const told: Record<string, Told> = {
  event: {
    summary: "Tells an endpoint of an event.",
    tag: "Endpoints",
    headers: signature,
    body: event,
    answers: {
      "2XX": { description: "It is taken." },
      "410": { description: "The endpoint wants no more: it is disabled." },
    },
  },
  send: {
    summary: "Asks a program of yours to send a text or an email, for `generic-sms` and `generic-email`.",
    tag: "Providers",
    headers: signature,
    body: send,
    answers: {
      "2XX": { description: "It is taken.", body: taken },
      "4XX": { description: "It is refused: the agent reads why." },
      "503": { description: "Not now: it comes again." },
    },
  },
};
