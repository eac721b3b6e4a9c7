import { createHash, createHmac } from "node:crypto";
import { signer as telnyxSigner } from "../test/fixtures/telnyx/sign.ts";
import { signer as twilioSigner } from "../test/fixtures/twilio/sign.ts";

/** The webhooks that all peers are loaded with: one per message, each with an id of its own. */

export const publicUrl = "https://bridge.example.com";
export type BenchProvider = "twilio" | "telnyx";

export const credentialsOf: Record<BenchProvider, unknown> = {
  twilio: twilioSigner.credentials,
  telnyx: telnyxSigner.credentials,
};
const { accountSid, authToken } = twilioSigner.credentials as { accountSid: string; authToken: string };
export const twilioAuthToken = authToken;

/** A mapping that webhooks are posted to, and its number. */
export interface Target {
  mappingId: string;
  address: string;
}

export interface Traffic {
  provider: BenchProvider;
  targets: Target[];
  /** Of each target. */
  people: number;
  /** Keeps the ids of one run apart from those of another. */
  seed: string;
}

/** The message's id, as spread out as a provider's are. */
export function messageIdAt({ provider, seed }: Pick<Traffic, "provider" | "seed">, index: number): string {
  const digest = createHash("md5").update(`${seed} ${index}`).digest("hex");
  return provider === "twilio" ? `SM${digest}` : digest.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export const numberAt = (index: number): string => `+1500${String(2_000_000 + index)}`;

/** The HTTP request as it goes over the wire. Targets take turns, and so do the people of each. */
export function requestAt(traffic: Traffic, index: number): Buffer {
  const { provider, targets, people } = traffic;
  const target = targets[index % targets.length];
  if (!target) throw new Error("there is nothing to post to");
  const from = numberAt(3_000_000 + (Math.floor(index / targets.length) % people));
  const id = messageIdAt(traffic, index);
  const url = `${publicUrl}/webhooks/${target.mappingId}`;
  const text = `Hello, this is message ${index}: could you call me back this afternoon?`;
  const { headers, body } = writers[provider]({ id, from, to: target.address, text, url });
  const { pathname, host } = new URL(url);
  const lines = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    "connection: keep-alive",
    `content-length: ${body.length}`,
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]);
}

interface Text {
  id: string;
  from: string;
  to: string;
  text: string;
  url: string;
}

const writers: Record<BenchProvider, (text: Text) => { headers: string[]; body: Buffer }> = {
  /** The fields of https://www.twilio.com/docs/messaging/guides/webhook-request, signed without the SDK, which is slower. */
  twilio({ id, from, to, text, url }) {
    const fields: Record<string, string> = {
      AccountSid: accountSid,
      ApiVersion: "2010-04-01",
      Body: text,
      From: from,
      FromCity: "SAN FRANCISCO",
      FromCountry: "US",
      FromState: "CA",
      FromZip: "94105",
      MessageSid: id,
      NumMedia: "0",
      NumSegments: "1",
      SmsMessageSid: id,
      SmsSid: id,
      SmsStatus: "received",
      To: to,
      ToCity: "NEW YORK",
      ToCountry: "US",
      ToState: "NY",
      ToZip: "10001",
    };
    const signed = Object.entries(fields).reduce((all, [name, value]) => all + name + value, url);
    const signature = createHmac("sha1", authToken).update(signed).digest("base64");
    const headers = [
      "content-type: application/x-www-form-urlencoded; charset=utf-8",
      "user-agent: TwilioProxy/1.1",
      "accept: */*",
      `x-twilio-signature: ${signature}`,
    ];
    return { headers, body: Buffer.from(new URLSearchParams(fields).toString()) };
  },
  telnyx({ id, from, to, text, url }) {
    const payload = { id, from: { phone_number: from }, to: [{ phone_number: to }], text };
    const sample = {
      contentType: "application/json",
      body: { data: { event_type: "message.received", payload } },
    };
    const { headers, body } = telnyxSigner.sign(sample, { url, at: new Date() });
    return { headers: Object.entries(headers).map(([name, value]) => `${name}: ${value}`), body };
  },
};
