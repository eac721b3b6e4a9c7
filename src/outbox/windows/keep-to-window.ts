import { Failure, type WindowReason } from "../../errors.ts";
import { clockAt, dayAt, instantOf } from "../../formats/times/local-time.ts";
import { zonesOfNumber } from "../../formats/times/zones-of-number.ts";
import type { Recipient } from "../../store/consent/opt-outs.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Message } from "../../store/schema.ts";
import { countSend, isDayFull, uncountSend } from "../../store/windows/daily-sends.ts";
import { hasBegun } from "../../store/windows/hold-back.ts";
import { hasWrittenLately, readSendRules, type SendRules } from "../../store/windows/send-rules.ts";
import { beginUnlessOptedOut } from "../consent/begin-unless-opted-out.ts";
import { unknownReasons } from "../retry.ts";
import { nextOpening } from "./send-window.ts";

/** What is to be sent, by which mapping and to whom. */
export interface Send {
  mappingId: string;
  message: Message;
  person: Recipient;
  /** An earlier attempt may have sent it. */
  isOutcomeUnknown: boolean;
}

export const mayBeOut = "the connection broke while it was being sent: nobody can say whether it went out";

/**
 * Gives the rules by which the mapping may send now. Throws a Failure, `outside_window` or `daily_cap` with the time until it may,
 * before anything is fetched or anybody called; `opted_out`, as who wants no more is not waited for; or `unconfirmed`: a provider that
 * carries out a repeated send once knows it for a day or so, and what may have gone out is not held until later.
 */
export async function requireWindow(db: Db, send: Send): Promise<SendRules> {
  const rules = await requireHours(db, send);
  const day = cappedDayOf(rules);
  const counted = { mappingId: rules.id, messageId: send.message.id };
  if (day && (await isDayFull(db, { ...counted, ...day }))) await waitForNextDay(db, rules, send, day);
  return rules;
}

async function requireHours(db: Db, send: Send): Promise<SendRules> {
  const rules = await readSendRules(db, send.mappingId);
  if (!rules || rules.isDeleted) throw new Failure("misconfigured", "the mapping was deleted");
  const opening = openingOf(rules, send.person, rules.nowMs);
  if (opening.atMs <= rules.nowMs || (await isAnswer(db, rules, send.message))) return rules;
  return wait(db, rules, send, held("outside_window", "outside the hours of the mapping", { rules, send, opening }));
}

/** Who wants no more is not waited for; who comes to want no more later has what waits looked at again. */
async function wait(db: Db, rules: SendRules, send: Send, failure: Failure): Promise<never> {
  const isLate = send.isOutcomeUnknown && (await mayHaveBegun(db, rules, send));
  const late = () => new Failure("unconfirmed", `${mayBeOut}, and it is not asked for again: ${failure.message}`);
  return beginUnlessOptedOut(db, send.person, () => Promise.reject(isLate ? late() : failure));
}

/** A process that dies while it finds out that a message has to wait had not begun to send it. */
async function mayHaveBegun(db: Db, rules: SendRules, { person, message }: Send): Promise<boolean> {
  if (await hasBegun(db, message.id, unknownReasons("provider"))) return true;
  // What begins is counted before.
  if (rules.dailyCap !== null) return false;
  const wasAnswer = rules.answerHours !== null && message.content?.isFromAgent !== undefined;
  return wasAnswer || openingOf(rules, person, message.receivedAt.getTime()).atMs <= rules.nowMs;
}

/** One of those that a mapping's daily cap leaves. */
export interface Place {
  /** Nothing was sent. */
  giveBack(): Promise<void>;
}

/** Takes a place for what is about to be sent. Throws a Failure, as `requireWindow`. */
export async function takePlace(db: Db, send: Send): Promise<Place> {
  const rules = await requireHours(db, send);
  const day = cappedDayOf(rules);
  if (!day) return { giveBack: async () => undefined };
  const counted = { mappingId: rules.id, messageId: send.message.id };
  if (await countSend(db, { ...counted, ...day })) return { giveBack: () => uncountSend(db, counted) };
  return waitForNextDay(db, rules, send, day);
}

/** The mapping's day by the clocks of its zone, as that is now; undefined without a daily cap. */
function cappedDayOf({ dailyCap: cap, timeZone, nowMs }: SendRules) {
  if (cap === null || timeZone === null) return undefined;
  const today = dayAt(timeZone, nowMs);
  const [dayBeganMs, nextMs] = [instantOf(timeZone, today, 0), instantOf(timeZone, today + 1, 0)];
  return { cap, timeZone, nowMs, day: clockAt(timeZone, nowMs).date, dayBeganMs, nextMs };
}

function waitForNextDay(
  db: Db,
  rules: SendRules,
  send: Send,
  { cap, timeZone, nextMs }: { cap: number; timeZone: string; nextMs: number },
): Promise<never> {
  const opening = { zone: timeZone, ...openingOf(rules, send.person, nextMs) };
  return wait(
    db,
    rules,
    send,
    held("daily_cap", `the mapping has reached its daily cap of ${cap}`, { rules, send, opening }),
  );
}

interface Opening {
  atMs: number;
  /** By whose clocks it is told. */
  zone?: string | undefined;
}

/** From then on. Where the zones that a number may be of have no hour in common, the mapping's counts. */
function openingOf(rules: SendRules, { channels, address }: Recipient, fromMs: number): Opening {
  const { sendFrom: from, sendUntil: until, sendDays: days, timeZone } = rules;
  if (from === null || until === null || timeZone === null) return { atMs: fromMs };
  const window = { from, until, days };
  const zones = channels.includes("email") ? [] : zonesOfNumber(address);
  const found = zones.length > 0 ? nextOpening(window, zones, fromMs) : undefined;
  return found ?? nextOpening(window, [timeZone], fromMs) ?? { atMs: fromMs };
}

/** What an agent writes to who has just written may pass, where the mapping says so. */
async function isAnswer(db: Db, { answerHours: hours }: SendRules, message: Message): Promise<boolean> {
  if (hours === null || message.content?.isFromAgent === undefined) return false;
  return hasWrittenLately(db, { conversationId: message.conversationId, beforeId: message.id, hours });
}

function held(
  reason: WindowReason,
  why: string,
  { rules, send: { message }, opening }: { rules: SendRules; send: Send; opening: Opening },
): Failure {
  const zone = opening.zone ?? rules.timeZone ?? "UTC";
  const [now, then] = [clockAt(zone, rules.nowMs), clockAt(zone, opening.atMs)];
  const date = now.date === then.date ? "" : ` on ${then.date}`;
  const seconds = (opening.atMs - rules.nowMs) / 1000 + turnSeconds(opening.atMs - message.receivedAt.getTime());
  return new Failure(reason, `${why}: held until ${then.time}${date} (${zone})`, { retryAfterSeconds: seconds });
}

/** Of all that was held until the same time what waits longest goes first, within a minute. */
const turnSeconds = (waitedMs: number) => 60 / (1 + Math.max(0, waitedMs) / 3_600_000);
