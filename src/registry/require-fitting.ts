import { z } from "zod";
import { InvalidRequest } from "../errors.ts";
import { chatIdOf, isChatId, normalizeAddress } from "../formats/address.ts";
import { numberOfToday } from "../formats/phone-number.ts";
import { isTimeZone } from "../formats/times/local-time.ts";
import type { Channel, DmarcPolicy, HighlevelMessageType } from "../model.ts";
import type { Adapter } from "../providers/kit/adapter.ts";
import { adapterOf, offeredNames } from "../providers/registry.ts";

import type { MappingRow } from "../store/schema.ts";

/** What fits a provider, of what an integrator gives. Each function throws an InvalidRequest that names the field. */

export function requireAdapter(provider: string): Adapter {
  const adapter = adapterOf(provider);
  if (adapter) return adapter;
  throw new InvalidRequest("invalid", "unknown provider", [
    { path: "provider", message: `must be one of ${offeredNames().join(", ")}` },
  ]);
}

function requireAddress(adapter: Adapter, given: string): string {
  const address = normalizeAddress(adapter.channel, given);
  if (address !== undefined && (adapter.takesIds || !isChatId(address))) return address;
  const fits = {
    sms: `must be a phone number in E.164 form, such as +15005550006, or a short code${adapter.takesIds ? "; of a chat id: and its id, such as id:page-1" : ""}`,
    email: "must be a mailbox, such as support@example.com, or *@example.com for all of a domain that have no mapping",
  };
  throw new InvalidRequest("invalid", "the address does not fit the provider", [
    { path: "address", message: fits[adapter.channel] },
  ]);
}

/** Somebody at a mapping, as conversations have them. */
export const requirePerson = (
  { provider, accountId }: Pick<MappingRow, "provider" | "accountId">,
  given: string,
): string => {
  const adapter = requireAdapter(provider);
  const address = chatIdOf(accountId, requireAddress(adapter, given));
  return adapter.channel === "sms" ? numberOfToday(address) : address;
};

/** What a mapping stands for: a number or a mailbox; or `*@example.com`, all mailboxes of the domain that have none. */
export function requireMappedAddress(adapter: Adapter, given: string): string {
  const domain = adapter.channel === "email" && given.startsWith("*@") ? given.slice(1) : undefined;
  return domain === undefined ? requireAddress(adapter, given) : `*${requireAddress(adapter, `any${domain}`).slice(3)}`;
}

/** Neither mailboxes are called, nor chats. */
export function requireCalls(adapter: Adapter, address: string, callProviderId: string | null): string | null {
  if (callProviderId === null || (adapter.channel === "sms" && !isChatId(address))) return callProviderId;
  throw new InvalidRequest("invalid", "calls of what has no number", [
    { path: "callProviderId", message: "is for numbers: leave it out" },
  ]);
}

/** Numbers have no room for a token. */
export function requireReplyTokens(adapter: Adapter, replyTokens: boolean): boolean {
  if (!replyTokens || adapter.channel === "email") return replyTokens;
  throw new InvalidRequest("invalid", "tokens in a number", [
    { path: "replyTokens", message: "is for mailboxes: leave it out" },
  ]);
}

/** Who gets texts says STOP. */
export function requireListUnsubscribe(adapter: Adapter, listUnsubscribe: boolean): boolean {
  if (!listUnsubscribe || adapter.channel === "email") return listUnsubscribe;
  throw new InvalidRequest("invalid", "a header in a text", [
    { path: "listUnsubscribe", message: "is for mailboxes: leave it out" },
  ]);
}

/** Texts have no DMARC. */
export function requireDmarc(adapter: Adapter, dmarcFailures: DmarcPolicy): DmarcPolicy {
  if (dmarcFailures === "post" || adapter.channel === "email") return dmarcFailures;
  throw new InvalidRequest("invalid", "DMARC of a number", [
    { path: "dmarcFailures", message: "is for mailboxes: leave it out" },
  ]);
}

export const windowSettings = [
  ...(["sendFrom", "sendUntil", "sendDays", "timeZone", "answerHours", "dailyCap"] as const),
] as const;
type WindowSettings = Pick<MappingRow, (typeof windowSettings)[number]>;

/** When people may be written to, and how many in a day. */
export function requireWindow(given: { [Name in keyof WindowSettings]?: WindowSettings[Name] | undefined }) {
  const { sendFrom = null, sendUntil = null, sendDays = null, timeZone = null } = given;
  const { answerHours = null, dailyCap = null } = given;
  const settings = { sendFrom, sendUntil, sendDays, timeZone, answerHours, dailyCap };
  const wrong = misfitsOf(settings).find(({ isSo }) => isSo);
  if (!wrong) return settings;
  const { path, message } = wrong;
  throw new InvalidRequest("invalid", "the hours do not fit together", [{ path, message }]);
}

function misfitsOf(settings: WindowSettings): { isSo: boolean; path: keyof WindowSettings; message: string }[] {
  const { sendFrom, sendUntil, sendDays, timeZone, answerHours, dailyCap } = settings;
  const [isOpenEnded, whole] = [sendFrom === null, "the whole day is 00:00 until 24:00"];
  const zoned = isOpenEnded ? "dailyCap" : "sendFrom";
  const isZoned = !isOpenEnded || dailyCap !== null;
  return [
    { isSo: isOpenEnded && sendUntil !== null, path: "sendFrom", message: "is required with sendUntil" },
    { isSo: !isOpenEnded && sendUntil === null, path: "sendUntil", message: "is required with sendFrom" },
    {
      isSo: !isOpenEnded && sendFrom === sendUntil,
      path: "sendUntil",
      message: `must be another time than sendFrom; ${whole}`,
    },
    { isSo: isOpenEnded && sendDays !== null, path: "sendFrom", message: `is required with sendDays; ${whole}` },
    { isSo: isOpenEnded && answerHours !== null, path: "sendFrom", message: "is required with answerHours" },
    { isSo: isZoned && timeZone === null, path: "timeZone", message: `is required with ${zoned}, as in Europe/Berlin` },
    {
      isSo: timeZone !== null && !isTimeZone(timeZone),
      path: "timeZone",
      message: "must be a zone of the IANA database, as in Europe/Berlin or America/New_York",
    },
  ];
}

export function requireType(
  adapter: Adapter,
  {
    conversationProviderId = null,
    callProviderId = null,
  }: { conversationProviderId?: string | null | undefined; callProviderId?: string | null | undefined },
  given: HighlevelMessageType | undefined,
): HighlevelMessageType {
  const [own, ...others] = fittingTypes[adapter.channel];
  const type = given ?? (conversationProviderId === null ? own : "Custom");
  const fails = (path: string, message: string) =>
    new InvalidRequest("invalid", "the type does not fit the mapping", [{ path, message }]);
  if (type !== own && !others.includes(type))
    throw fails("type", `must be one of ${[own, ...others].join(", ")}: the provider's channel is ${adapter.channel}`);
  if (type === "Call" && callProviderId === null) throw fails("callProviderId", "is required for type Call");
  if (type !== "Call" && type !== own && conversationProviderId === null)
    throw fails("conversationProviderId", `is required for type ${type}; without it the type is ${own}`);
  return type;
}

/** The first is what a location's default provider of the channel takes. */
const fittingTypes: Record<Channel, [HighlevelMessageType, ...HighlevelMessageType[]]> = {
  sms: ["SMS", "Custom", "WhatsApp", "GMB", "IG", "FB", "WebChat", "Live_Chat", "Call"],
  email: ["Email", "Custom"],
};

export function requireCredentials(adapter: Adapter, provider: string, given: unknown): unknown[] {
  const list = Array.isArray(given) ? given : [given];
  const parsed = z
    .array(adapter.credentials)
    .min(1, "must have at least one entry")
    .max(2, "must have at most two: the current one and the one that is rotated")
    .safeParse(list);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => {
    const path = Array.isArray(given) ? issue.path : issue.path.slice(1);
    return { path: ["credentials", ...path].join("."), message: issue.message };
  });
  throw new InvalidRequest("invalid", `these are no credentials for ${provider}`, errors);
}
