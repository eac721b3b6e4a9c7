import type { WebhookRequest } from "../../../src/model.ts";

export const at = new Date("2026-11-21T10:00:00.000Z");
export const atSeconds = String(at.getTime() / 1000);

/** A webhook of JSON, or of what the headers say, with what a test says of it. */
export function requestOf(body: string | Buffer, more: Partial<Omit<WebhookRequest, "body">> = {}): WebhookRequest {
  return {
    url: "https://bridge.example.com/webhooks/1",
    headers: {},
    receivedAt: at,
    ...more,
    body: Buffer.from(body),
  };
}
