import type { WebhookRequest } from "../../../model.ts";

/** What a person could have written, for a webhook that shows whether all is connected. */
export interface SampleMessage {
  /** A UUID. */
  id: string;
  from: string;
  to: string;
  subject: string;
  text: string;
  at: Date;
}

/** The least of a webhook that brings such a message, before it is signed. */
export interface Sample {
  contentType: string;
  body: Buffer;
}

export const jsonSample = (body: unknown): Sample => ({
  contentType: "application/json",
  body: Buffer.from(JSON.stringify(body)),
});

export const formSample = (fields: Record<string, string>): Sample => ({
  contentType: "application/x-www-form-urlencoded",
  body: Buffer.from(new URLSearchParams(fields).toString()),
});

/** The same request with further headers, whose names are in lower case. */
export const withHeaders = (request: WebhookRequest, headers: Record<string, string>): WebhookRequest => ({
  ...request,
  headers: { ...request.headers, ...headers },
});
