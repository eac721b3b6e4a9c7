import { kinds } from "../../../advice/kinds.ts";
import { reasons } from "../../../advice/reasons.ts";
import { describeSpan } from "../../../advice/spans.ts";
import { secretsOf } from "../../../inbox/without-proofs.ts";
import { listTurns, type Turn } from "../../../store/deliveries.ts";
import { findMapping } from "../../../store/mappings.ts";
import type { Db } from "../../../store/postgres/database.ts";
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

/** What else there is to know, beside the message. */
interface Around {
  turns: Turn[];
  /** Names of what the provider's webhooks are verified by. */
  proof: readonly string[];
}

export async function readStory(people: Db, message: WholeMessage): Promise<StoryStep[]> {
  const { id, mappingId, origin } = message;
  const [mapping, turns] = await Promise.all([
    mappingId === null ? undefined : findMapping(people, mappingId),
    listTurns(people, id),
  ]);
  const proof = mapping && origin === "provider" ? secretsOf(mapping.provider) : [];
  return storyOf(message, { turns, proof });
}

/** Everything that is known to have happened to a message, in its order, with the waits between. */
export function storyOf(message: WholeMessage, around: Around = { turns: [], proof: [] }): StoryStep[] {
  const ofDeliveries = message.deliveries.flatMap((delivery) => {
    return storyOfDelivery(
      delivery,
      around.turns.find(({ deliveryId }) => deliveryId === delivery.id),
    );
  });
  const steps = [...beginningOf(message, around.proof), ...ofDeliveries, ...receiptsOf(message)].toSorted(
    (one, other) => one.at.getTime() - other.at.getTime(),
  );
  const last = steps.at(-1)?.at;
  return withWaits([...steps, ...leftOutOf(message, last), ...endOf(message, last)]).map(
    ({ at, isUntimed, said = null, means = null, ...step }) => ({ ...step, at: isUntimed ? null : at, said, means }),
  );
}

function beginningOf({ direction, origin, sentAt, ...message }: WholeMessage, proof: readonly string[]): Placed[] {
  const { receivedAt, createdAt, webhooks } = message;
  const from = {
    provider: "from the provider",
    highlevel: "from HighLevel",
    api: "by the send route",
    import: "by an import",
  }[origin];
  const verified = proof.length === 0 ? "verified" : `verified by ${proof.join(" and ")},`;
  const written = "Written, as the provider tells it";
  return [
    ...(sentAt ? [{ kind: "written" as const, at: sentAt, state: "quiet" as const, what: written }] : []),
    { kind: "received", at: receivedAt, state: "ok", what: `Received ${from}, ${verified} and stored` },
    ...webhooks.map(({ id, state, reason }): Placed => {
      const queued = direction === "inbound" ? "" : ", and the message queued";
      const what = `Webhook ${id} was read${queued}`;
      return { kind: "read", at: createdAt, state: state === "failed" ? "bad" : "ok", what, said: reason };
    }),
  ];
}

function storyOfDelivery(delivery: TriedDelivery, turn: Turn | undefined): Placed[] {
  const what = kinds[delivery.kind];
  const { replayedAt, replayId, interruptedAt, heldAt, releasedAt } = delivery;
  const tries = delivery.attemptLog.map(({ startedAt, durationMs, outcome, status, detail: said }, index): Placed => {
    const how = `${status === null ? "" : ` ${status}`} in ${describeSpan(durationMs)}`;
    const looked = isLookedUp(delivery, index) ? ", after a look by altId whether it was there" : "";
    const attempt = { kind: "attempt" as const, at: startedAt, said };
    if (outcome === "delivered") return { ...attempt, state: "ok", what: `${what}: done${looked},${how}` };
    const failed = `${what}, attempt ${index + 1}${looked}: ${outcome},${how}`;
    return { ...attempt, state: "busy", what: failed, means: reasons[outcome].means };
  });
  const replayed = `${what}: replayed ${replayId === null ? "by somebody" : `by replay ${replayId}`}`;
  const ended = `${what}: the lease of the process that held it ended, as that has died or overran it`;
  return [
    ...turnOf(delivery, turn, what),
    ...(interruptedAt
      ? [{ kind: "interrupted" as const, at: interruptedAt, state: "busy" as const, what: ended }]
      : []),
    ...(heldAt ? [heldStep(heldAt, `${what}: held back, by the hours of the mapping or its daily cap`)] : []),
    ...(releasedAt ? [heldStep(releasedAt, `${what}: its time has come`)] : []),
    ...tries,
    ...(replayedAt ? [{ kind: "replay" as const, at: replayedAt, state: "quiet" as const, what: replayed }] : []),
    ...outcomeOf(delivery, turn, what),
  ];
}

const heldStep = (at: Date, what: string): Placed => ({ kind: "held", at, state: "quiet", what });

/** It stood behind another one of its conversation, which was done later than it came. */
function turnOf({ createdAt }: TriedDelivery, turn: Turn | undefined, what: string): Placed[] {
  if (!turn?.finishedAt || turn.finishedAt <= createdAt) return [];
  const { messageId, finishedAt } = turn;
  return [{ kind: "turn", at: finishedAt, state: "quiet", what: `${what}: its turn, behind message ${messageId}` }];
}

/** After these HighLevel may have carried out the call: it is looked for before it is made again. */
const unseen = new Set(["outcome_unknown", "unavailable", "server_error", "invalid_answer", "internal_error"]);

function isLookedUp({ kind, attemptLog, interruptedAt }: TriedDelivery, index: number): boolean {
  const [before, attempt] = [attemptLog[index - 1], attemptLog[index]];
  const isAfterInterruption =
    interruptedAt !== null &&
    attempt !== undefined &&
    interruptedAt <= attempt.startedAt &&
    (before === undefined || before.startedAt < interruptedAt);
  return kind === "post-inbound" && (isAfterInterruption || unseen.has(before?.outcome ?? ""));
}

/** How it stands now, where no attempt tells it. */
function outcomeOf(delivery: TriedDelivery, turn: Turn | undefined, what: string): Placed[] {
  const { state, reason, detail, finishedAt, note, retryAt, createdAt, attemptLog, mayHaveHappened } = delivery;
  const { heldAt, releasedAt } = delivery;
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
  if (retryAt && retryAt.getTime() > Date.now()) {
    const isHeld = heldAt !== null && releasedAt === null;
    return [{ ...next, at: retryAt, what: `${what}: ${isHeld ? "goes out" : "the next attempt"}.${look}` }];
  }
  const behind = turn?.state === "pending" ? `waits behind message ${turn.messageId}` : "waits for its turn";
  const waits = reason === null ? behind : `waits: ${reason}`;
  return [{ ...next, at: new Date(), what: `${what}: ${waits}.${look}` }];
}

const because = ({ reason, detail }: TriedDelivery) => ({
  said: detail,
  means: reason === null ? undefined : `${reason}: ${reasons[reason].means}`,
});

const isBad = (state: string) => state === "failed" || state === "complained";

/** Those that told something new. */
const receiptsOf = ({ fates }: WholeMessage): Placed[] =>
  (fates ?? []).map(({ at, state }) => ({
    ...{ kind: "receipt", at: new Date(at), state: isBad(state) ? "bad" : "ok", what: `A receipt tells: ${state}` },
  }));

function leftOutOf({ leftOut, recipients }: WholeMessage, last = new Date()): Placed[] {
  if (leftOut === null) return [];
  const of = recipients ? "receipts of further recipients" : "files of the call";
  const what = `Not kept, as there were as many as are kept: ${leftOut} ${of}`;
  return [{ kind: "fate", at: last, isUntimed: true, state: "busy", what }];
}

/** Where it is by now. Of messages from before 0.3 nobody kept when their receipts came. */
function endOf({ direction, state, error, reportedState, fates }: WholeMessage, last = new Date()): Placed[] {
  if (direction === "inbound" || state === "queued") return [];
  const told = reportedState === null ? "" : `. HighLevel was told ${reportedState}`;
  const by = fates === null ? ", by the last receipt or answer" : "";
  const said = error ? `${error.message} (${error.code})` : null;
  const what = `The message is ${state}${by}${told}`;
  return [{ kind: "fate", at: last, isUntimed: true, state: isBad(state) ? "bad" : "ok", what, said }];
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
