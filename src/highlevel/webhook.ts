import { type KeyObject, verify } from "node:crypto";
import { z } from "zod";
import { decodeJson, maybeText, parseValue, requiredText, text } from "../formats/parse-value.ts";
import type { WebhookRequest } from "../model.ts";

/** HighLevel's public keys; any of a list may fit, so that they can rotate. */
export interface HighlevelKeys {
  /** Of `X-GHL-Signature`. */
  ed25519: KeyObject[];
  /** Of the older `X-WH-Signature`. */
  rsa: KeyObject[];
}

/**
 * Is this from HighLevel? Ed25519 over the raw body in `X-GHL-Signature`. The older RSA-SHA256 of `X-WH-Signature` is
 * taken where the first is missing (it may be the text `N/A`), and for app events only: the calls that make us send a
 * message never carried it. https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide
 */
export function isFromHighlevel({ headers, body }: WebhookRequest, keys: HighlevelKeys): boolean {
  const current = signatureIn(headers["x-ghl-signature"]);
  if (current) return keys.ed25519.some((key) => verify(null, body, key, current));
  const legacy = signatureIn(headers["x-wh-signature"]);
  if (!legacy || !keys.rsa.some((key) => verify("RSA-SHA256", body, key, legacy))) return false;
  return isAppEvent(body);
}

/** Is there a signature that could be HighLevel's? */
export function isSignedLikeHighlevel(headers: WebhookRequest["headers"]): boolean {
  return ["x-ghl-signature", "x-wh-signature"].some((name) => signatureIn(headers[name]) !== undefined);
}

function signatureIn(header: string | undefined): Buffer | undefined {
  const bytes = Buffer.from(header === "N/A" ? "" : (header ?? ""), "base64");
  return bytes.length > 0 ? bytes : undefined;
}

function isAppEvent(body: Buffer): boolean {
  try {
    return readHighlevelEvent(body).kind !== "outbound";
  } catch {
    return false;
  }
}

/** Which location an event names; undefined also for what cannot be read, which is told when it is processed. */
export function readLocationId(body: Buffer): string | undefined {
  try {
    return parseValue(z.object({ locationId: maybeText }), decodeJson(body)).locationId;
  } catch {
    return undefined;
  }
}

const oneOrMore = z.union([z.array(text), text.transform((value) => [value])]);
const listOf = oneOrMore.nullish().transform((list) => (list ?? []).filter(Boolean));

const envelope = z.object({
  type: text,
  webhookId: maybeText,
  timestamp: maybeText,
  messageId: maybeText,
});

/** https://marketplace.gohighlevel.com/docs/webhook/ProviderOutboundMessage */
const outbound = z.object({
  locationId: requiredText,
  contactId: requiredText,
  messageId: requiredText,
  emailMessageId: maybeText,
  /** One that cannot be read is none: the message is reported as failed then, which a webhook that fails would not be. */
  phone: z.union([maybeText, z.number().transform(String)]).catch(undefined),
  message: maybeText,
  html: maybeText,
  subject: maybeText,
  emailFrom: maybeText,
  /** Shown as a list, specified as a text. */
  emailTo: listOf.catch([]),
  attachments: listOf,
  replyToAltId: maybeText,
  type: text,
});
export type OutboundRequest = z.infer<typeof outbound>;

/** https://marketplace.gohighlevel.com/docs/webhook/AppInstall and AppUninstall */
const install = z.object({
  type: z.enum(["INSTALL", "UNINSTALL"]),
  appId: maybeText,
  locationId: maybeText,
  companyId: maybeText,
});
export type InstallEvent = z.infer<typeof install>;

export type HighlevelEvent = { eventId: string | undefined; at: Date | undefined } & (
  | { kind: "outbound"; request: OutboundRequest }
  | { kind: "install"; event: InstallEvent }
  | { kind: "other"; type: string }
);

/** The types of the calls that ask us to send; everything else is an event of the app. */
const sendTypes = new Set(["SMS", "Email", "Custom", "RCS", "WhatsApp"]);

/** What HighLevel posted. Throws a ParseError that names the field for what cannot be read. */
export function readHighlevelEvent(body: Buffer): HighlevelEvent {
  const json = decodeJson(body);
  const { type, webhookId, timestamp } = parseValue(envelope, json);
  const at = new Date(timestamp ?? "");
  const common = { eventId: webhookId, at: Number.isNaN(at.getTime()) ? undefined : at };
  if (sendTypes.has(type)) return { ...common, kind: "outbound", request: parseValue(outbound, json) };
  if (type === "INSTALL" || type === "UNINSTALL")
    return { ...common, kind: "install", event: parseValue(install, json) };
  return { ...common, kind: "other", type };
}
