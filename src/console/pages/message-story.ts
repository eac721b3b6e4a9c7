import { reasons } from "../../advice/reasons.ts";
import type { TriedDelivery, WholeMessage } from "../calls.ts";
import { kinds, type Tone } from "../words/states.ts";
import { describeSpan } from "../words/times.ts";

/** One thing that happened to a message, or the time between two. */
export interface Happening {
  at: Date;
  /** It stands where it belongs, and nobody knows when it was. */
  isUntimed?: true;
  tone: Tone | "wait";
  what: string;
  /** In the words of others. */
  said?: string | undefined;
  /** What it means. */
  means?: string | undefined;
}

/** Everything that is known to have happened to a message, in its order, with the waits between. */
export function storyOf(message: WholeMessage): Happening[] {
  const happenings = [...beginningOf(message), ...message.deliveries.flatMap(storyOfDelivery)].toSorted(
    (one, other) => one.at.getTime() - other.at.getTime(),
  );
  return withWaits([...happenings, ...endOf(message, happenings.at(-1)?.at)]);
}

function beginningOf({ direction, origin, sentAt, receivedAt, createdAt, webhooks }: WholeMessage): Happening[] {
  const from = { provider: "from the provider", highlevel: "from HighLevel", api: "by the send route" }[origin];
  return [
    ...(sentAt ? [{ at: sentAt, tone: "quiet" as const, what: "Written, as the provider tells it" }] : []),
    { at: receivedAt, tone: "ok", what: `Received ${from}, verified and stored` },
    ...webhooks.map(
      ({ id, state, reason }): Happening => ({
        at: createdAt,
        tone: state === "failed" ? "bad" : "ok",
        what: direction === "inbound" ? `Webhook ${id} was read` : `Webhook ${id} was read, and the message queued`,
        said: reason ?? undefined,
      }),
    ),
  ];
}

function storyOfDelivery(delivery: TriedDelivery): Happening[] {
  const what = kinds[delivery.kind];
  const tries = delivery.attemptLog.map(({ startedAt, durationMs, outcome, status, detail }, index): Happening => {
    const how = `${status === null ? "" : ` ${status}`} in ${describeSpan(durationMs)}`;
    if (outcome === "delivered")
      return { at: startedAt, tone: "ok", what: `${what}: done,${how}`, said: detail ?? undefined };
    return {
      ...{ at: startedAt, tone: "busy" as const, said: detail ?? undefined, means: reasons[outcome].means },
      what: `${what}, attempt ${index + 1}: ${outcome},${how}`,
    };
  });
  return [...tries, ...replayOf(delivery, what), ...outcomeOf(delivery, what)];
}

const replayOf = ({ replayedAt }: TriedDelivery, what: string): Happening[] =>
  replayedAt ? [{ at: replayedAt, tone: "quiet", what: `${what}: replayed by somebody` }] : [];

/** How it stands now, where no attempt tells it. */
function outcomeOf(delivery: TriedDelivery, what: string): Happening[] {
  const { state, reason, detail, finishedAt, note, retryAt, createdAt, attemptLog, mayHaveHappened } = delivery;
  if (state === "dead")
    return [{ ...because(delivery), at: finishedAt ?? createdAt, tone: "bad", what: `${what}: given up, it is dead` }];
  if (state === "discarded")
    return [{ at: finishedAt ?? createdAt, tone: "quiet", what: `${what}: discarded`, said: note ?? undefined }];
  if (state === "delivered")
    return attemptLog.some(({ outcome }) => outcome === "delivered")
      ? []
      : [{ at: finishedAt ?? createdAt, tone: "ok", what: `${what}: done`, said: detail ?? undefined }];
  const look = mayHaveHappened ? " An earlier attempt may have been carried out: it is looked up first." : "";
  if (retryAt && retryAt.getTime() > Date.now())
    return [{ ...because(delivery), at: retryAt, tone: "busy", what: `${what}: the next attempt.${look}` }];
  const waits = reason === null ? "waits for its turn" : `waits: ${reason}`;
  return [{ ...because(delivery), at: new Date(), tone: "busy", what: `${what}: ${waits}.${look}` }];
}

const because = ({ reason, detail }: TriedDelivery) => ({
  said: detail ?? undefined,
  means: reason === null ? undefined : `${reason}: ${reasons[reason].means}`,
});

/** What receipts told: when each of them came is not kept. */
function endOf({ direction, state, error, reportedState }: WholeMessage, last = new Date()): Happening[] {
  if (direction === "inbound" || state === "queued") return [];
  const told = reportedState === null ? "" : `. HighLevel was told ${reportedState}`;
  const tone = state === "failed" || state === "complained" ? "bad" : "ok";
  const said = error ? `${error.message} (${error.code})` : undefined;
  return [
    { at: last, isUntimed: true, tone, what: `The message is ${state}, by the last receipt or answer${told}`, said },
  ];
}

const shortestWaitMs = 1000;

function withWaits(happenings: Happening[]): Happening[] {
  return happenings.flatMap((each, index) => {
    const before = happenings[index - 1];
    const ms = before ? each.at.getTime() - before.at.getTime() : 0;
    const wait = {
      at: each.at,
      tone: "wait" as const,
      what: `${describeSpan(ms)} ${each.at > new Date() ? "to go" : "passed"}`,
    };
    return ms >= shortestWaitMs ? [wait, each] : [each];
  });
}
