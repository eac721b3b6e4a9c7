import { kinds } from "../../../advice/kinds.ts";
import { reasons } from "../../../advice/reasons.ts";
import { describeSpan } from "../../../advice/spans.ts";
import type { StoryStep } from "../../answers/story.ts";
import type { WholeMessage } from "./whole-message.ts";

type TriedDelivery = WholeMessage["deliveries"][number];

/** A step with the time by which it is put in its place. */
type Placed = Pick<StoryStep, "kind" | "state" | "what"> & {
  at: Date;
  isUntimed?: true;
  said?: string | null;
  means?: string | undefined;
};

/** Everything that is known to have happened to a message, in its order, with the waits between. */
export function storyOf(message: WholeMessage): StoryStep[] {
  const steps = [...beginningOf(message), ...message.deliveries.flatMap(storyOfDelivery)].toSorted(
    (one, other) => one.at.getTime() - other.at.getTime(),
  );
  return withWaits([...steps, ...endOf(message, steps.at(-1)?.at)]).map(
    ({ at, isUntimed, said = null, means = null, ...step }) => ({ ...step, at: isUntimed ? null : at, said, means }),
  );
}

function beginningOf({ direction, origin, sentAt, receivedAt, createdAt, webhooks }: WholeMessage): Placed[] {
  const from = { provider: "from the provider", highlevel: "from HighLevel", api: "by the send route" }[origin];
  const written = "Written, as the provider tells it";
  return [
    ...(sentAt ? [{ kind: "written" as const, at: sentAt, state: "quiet" as const, what: written }] : []),
    { kind: "received", at: receivedAt, state: "ok", what: `Received ${from}, verified and stored` },
    ...webhooks.map(({ id, state, reason }): Placed => {
      const queued = direction === "inbound" ? "" : ", and the message queued";
      const what = `Webhook ${id} was read${queued}`;
      return { kind: "read", at: createdAt, state: state === "failed" ? "bad" : "ok", what, said: reason };
    }),
  ];
}

function storyOfDelivery(delivery: TriedDelivery): Placed[] {
  const what = kinds[delivery.kind];
  const { replayedAt } = delivery;
  const tries = delivery.attemptLog.map(({ startedAt, durationMs, outcome, status, detail: said }, index): Placed => {
    const how = `${status === null ? "" : ` ${status}`} in ${describeSpan(durationMs)}`;
    const attempt = { kind: "attempt" as const, at: startedAt, said };
    const looks = isLookedUp(delivery, index) ? ", after a look whether it was there" : "";
    if (outcome === "delivered") return { ...attempt, state: "ok", what: `${what}: done${looks},${how}` };
    const failed = `${what}, attempt ${index + 1}${looks}: ${outcome},${how}`;
    return { ...attempt, state: "busy", what: failed, means: reasons[outcome].means };
  });
  const replayed = `${what}: replayed by somebody`;
  return [
    ...tries,
    ...(replayedAt ? [{ kind: "replay" as const, at: replayedAt, state: "quiet" as const, what: replayed }] : []),
    ...outcomeOf(delivery, what),
  ];
}

/** After these HighLevel may have carried out the call. */
const unseen = new Set(["outcome_unknown", "unavailable", "server_error", "invalid_answer", "internal_error"]);
const isLookedUp = ({ kind, attemptLog }: TriedDelivery, index: number) =>
  kind === "post-inbound" && unseen.has(attemptLog[index - 1]?.outcome ?? "");

/** How it stands now, where no attempt tells it. */
function outcomeOf(delivery: TriedDelivery, what: string): Placed[] {
  const { state, reason, detail, finishedAt, note, retryAt, createdAt, attemptLog, mayHaveHappened } = delivery;
  const ended = { kind: "end" as const, at: finishedAt ?? createdAt };
  if (state === "dead")
    return [{ ...ended, ...because(delivery), state: "bad", what: `${what}: given up, it is dead` }];
  if (state === "discarded") return [{ ...ended, state: "quiet", what: `${what}: discarded`, said: note }];
  if (state === "delivered")
    return attemptLog.some(({ outcome }) => outcome === "delivered")
      ? []
      : [{ ...ended, state: "ok", what: `${what}: done`, said: detail }];
  const look = mayHaveHappened ? " An earlier attempt may have been carried out: it is looked up first." : "";
  const next = { ...because(delivery), kind: "next" as const, state: "busy" as const };
  if (retryAt && retryAt.getTime() > Date.now())
    return [{ ...next, at: retryAt, what: `${what}: the next attempt.${look}` }];
  const waits = reason === null ? "waits for its turn" : `waits: ${reason}`;
  return [{ ...next, at: new Date(), what: `${what}: ${waits}.${look}` }];
}

const because = ({ reason, detail }: TriedDelivery) => ({
  said: detail,
  means: reason === null ? undefined : `${reason}: ${reasons[reason].means}`,
});

/** What receipts told: when each of them came is not kept. */
function endOf({ direction, state, error, reportedState }: WholeMessage, last = new Date()): Placed[] {
  if (direction === "inbound" || state === "queued") return [];
  const told = reportedState === null ? "" : `. HighLevel was told ${reportedState}`;
  const what = `The message is ${state}, by the last receipt or answer${told}`;
  const isBad = state === "failed" || state === "complained";
  const said = error ? `${error.message} (${error.code})` : null;
  return [{ kind: "fate", at: last, isUntimed: true, state: isBad ? "bad" : "ok", what, said }];
}

const shortestWaitMs = 1000;

function withWaits(steps: Placed[]): Placed[] {
  return steps.flatMap((each, index) => {
    const before = steps[index - 1];
    const ms = before ? each.at.getTime() - before.at.getTime() : 0;
    const what = `${describeSpan(ms)} ${each.at > new Date() ? "to go" : "passed"}`;
    return ms >= shortestWaitMs ? [{ kind: "wait", at: each.at, isUntimed: true, state: "quiet", what }, each] : [each];
  });
}
