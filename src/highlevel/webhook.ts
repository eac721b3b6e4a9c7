import { type KeyObject, verify } from "node:crypto";
import { z } from "zod";
import { ParseError } from "../errors.ts";
import { decodeJson, maybeText, parseValue, requiredText, text } from "../formats/parse-value.ts";
import type { WebhookRequest } from "../model.ts";
import { readDndSettings } from "./schemas.ts";

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

/** One that cannot be read is none: what is wrong with a call must not keep it from being answered by a report. */
const lenient = z.union([maybeText, z.number().transform(String)]).catch(undefined);
const oneOrMore = z.union([z.array(text.nullish()), text.transform((value) => [value])]);
const listOf = oneOrMore.nullish().transform((list) => (list ?? []).flatMap((item) => item || []));

const envelope = z.object({
  type: lenient,
  webhookId: lenient,
  timestamp: z.union([text, z.number()]).nullish().catch(undefined),
});

/** https://marketplace.gohighlevel.com/docs/webhook/ProviderOutboundMessage: whose it is, and for whom. */
const addressed = z.object({
  ...{ locationId: lenient, contactId: lenient, messageId: lenient, emailMessageId: lenient, phone: lenient },
  userId: lenient,
  /** Shown as a list, specified as a text. */
  emailTo: listOf.catch([]),
});
const content = z.object({
  ...{ message: maybeText, html: maybeText, subject: maybeText, emailFrom: maybeText, replyToAltId: maybeText },
  attachments: listOf,
});

/** What HighLevel asks us to send. */
export interface OutboundRequest extends z.infer<typeof addressed>, z.infer<typeof content> {
  type: string;
  /** The message's; an email's where there is no other. */
  messageId: string;
  /** Why it cannot be sent, whatever else it says. */
  problem?: string | undefined;
}

/** https://marketplace.gohighlevel.com/docs/webhook/AppInstall and AppUninstall */
const install = z.object({
  type: z.enum(["INSTALL", "UNINSTALL"]),
  appId: maybeText,
  locationId: maybeText,
  companyId: maybeText,
});
export type InstallEvent = z.infer<typeof install>;

/** https://marketplace.gohighlevel.com/docs/webhook/ContactDndUpdate */
const dndUpdate = z
  .object({
    ...{ locationId: maybeText, id: maybeText, phone: lenient, email: lenient },
    dnd: z.boolean().nullish().catch(undefined),
    dndSettings: z.record(z.string(), z.unknown()).nullish().catch(undefined),
  })
  .transform(({ id: contactId, dnd, dndSettings, ...rest }) => {
    return { ...rest, contactId, isForAll: dnd ?? undefined, settings: readDndSettings(dndSettings ?? {}) };
  });
export type DndEvent = z.infer<typeof dndUpdate>;

/** https://marketplace.gohighlevel.com/docs/webhook/ContactCreate, ContactUpdate and ContactDelete */
const contactTypes = ["ContactCreate", "ContactUpdate", "ContactDelete"];
const contact = z
  .object({ type: requiredText, locationId: maybeText, id: maybeText, phone: lenient, email: lenient })
  .transform(({ type, id: contactId, ...rest }) => ({ ...rest, contactId, isDeleted: type === "ContactDelete" }));
export type ContactEvent = z.infer<typeof contact>;

export type HighlevelEvent = { eventId: string | undefined; at: Date | undefined } & (
  | { kind: "outbound"; request: OutboundRequest }
  | { kind: "install"; event: InstallEvent }
  | { kind: "dnd"; event: DndEvent }
  | { kind: "contact"; event: ContactEvent }
  | { kind: "other"; type: string }
);

/** The types of the calls that ask us to send; everything else is an event of the app. */
const sendTypes = ["SMS", "Email", "Custom", "RCS", "WhatsApp"];
/** Of chats, which a mapping sends that is of the same type. */
export const chatTypes: readonly string[] = ["GMB", "IG", "FB", "WebChat", "Live_Chat"];
/** Of messages that a conversation provider may be asked for, and this one has no way to send. */
const otherTypes = ["TIKTOK", "Call", "InternalComment"];

/** Of what happened, also to a message: https://marketplace.gohighlevel.com/docs/category/webhook */
const appEvent =
  /^(?:UN)?INSTALL$|(?:Message|Create|Update|Updated|Delete|Deleted|Change|Changed|Merge|Request|Payment)$/i;

/**
 * What HighLevel posted. Throws a ParseError that names the field for what cannot be read. A call that asks us to send is
 * read as far as it goes, once it has an id: whatever is wrong with the rest can be reported by that. So is one of a type
 * that nobody knows, where it came to a mapping's delivery URL.
 */
export function readHighlevelEvent(body: Buffer, isDelivery = false): HighlevelEvent {
  const json = decodeJson(body);
  const { type, webhookId, timestamp } = parseValue(envelope, json);
  const common = { eventId: webhookId, at: readAt(timestamp) };
  const request = readRequest(type, json, isDelivery);
  if (request) return { ...common, kind: "outbound", request };
  if (type === "INSTALL" || type === "UNINSTALL")
    return { ...common, kind: "install", event: parseValue(install, json) };
  if (type === "ContactDndUpdate") return { ...common, kind: "dnd", event: parseValue(dndUpdate, json) };
  if (type !== undefined && contactTypes.includes(type))
    return { ...common, kind: "contact", event: parseValue(contact, json) };
  if (type === undefined) throw new ParseError("type: is missing, and there is no messageId");
  return { ...common, kind: "other", type };
}

function readRequest(given: string | undefined, json: unknown, isDelivery: boolean): OutboundRequest | undefined {
  const { messageId, ...about } = parseValue(addressed, json);
  const spelled = given
    ?.toLowerCase()
    .replace(/^type_/, "")
    .replace(/^mms$/, "sms");
  const isSame = (each: string) => each.toLowerCase() === spelled;
  const known = given === undefined && messageId ? "Custom" : [...sendTypes, ...chatTypes, ...otherTypes].find(isSame);
  const id = messageId ?? about.emailMessageId;
  const type = known ?? (isDelivery && id !== undefined && !appEvent.test(given ?? "") ? given : undefined);
  if (type === undefined) return undefined;
  if (id === undefined) throw new ParseError("messageId: is missing");
  const said = content.safeParse(json);
  const problem = ![...sendTypes, ...chatTypes].includes(type) ? `type: the bridge sends no ${type}` : problemOf(said);
  return { ...about, ...(said.data ?? content.parse({})), type, messageId: id, problem };
}

function problemOf({ error }: z.ZodSafeParseResult<unknown>): string | undefined {
  const [issue] = error?.issues ?? [];
  return issue && `${issue.path.join(".")}: ${issue.message}`;
}

/** ISO 8601, or since 1970 in seconds or milliseconds. */
function readAt(timestamp: string | number | null | undefined): Date | undefined {
  const number = typeof timestamp === "number" || /^\d+(\.\d+)?$/.test(timestamp ?? "") ? Number(timestamp) : undefined;
  const at = new Date(number === undefined ? (timestamp ?? "") : number * (number < 1e11 ? 1000 : 1));
  return Number.isNaN(at.getTime()) ? undefined : at;
}
