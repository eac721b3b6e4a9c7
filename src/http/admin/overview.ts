import { reasons } from "../../advice/reasons.ts";
import { describeMinute, describeSpan } from "../../advice/spans.ts";
import type { FailureReason } from "../../errors.ts";
import type { DeliveryKind } from "../../model.ts";
import { countFailedMessages, findP95Ms, listMessages } from "../../store/messages/list-messages.ts";
import { countSteps } from "../../store/operate/attempt-counts.ts";
import { countWaiting, listPausedMappings, listStoppedLocations } from "../../store/operate/overview.ts";
import type { Db } from "../../store/postgres/database.ts";
import { maxWalked } from "../../store/postgres/walk-newest.ts";
import { overviewAnswer } from "../answers/overview.ts";
import type { Caller } from "../caller.ts";
import { operation, reply } from "../operations/operation.ts";
import { showLocation } from "./connections/locations.ts";
import { readProblems } from "./problems.ts";

export const overviewOperations = {
  getOverview: operation({
    ...{ method: "GET", path: "/admin/overview", tag: "Problems", by: "any key" },
    summary: "Tells whether all is well, in a sentence and in figures, and what needs somebody.",
    answers: { 200: overviewAnswer },
    async handle({ people }: { people: Db }, { caller }) {
      const view = await readView(people, caller);
      const { last: _last, waitingForFirst: _waiting, ...shown } = view;
      return reply(200, { says: sayHowItStands(view), ...shown });
    },
  }),
};

const maxListed = 20;

async function readView(people: Db, caller: Caller) {
  const { locationIds } = caller;
  const [problems, hour, p95Ms, waiting, failedSends, stopped, pausedMappings, last] = await Promise.all([
    readProblems(people, caller, {}),
    countTheHour(people, locationIds),
    findP95Ms(people, { locationIds }),
    countWaiting(people, { locationIds }),
    countFailedMessages(people, { locationIds }),
    listStoppedLocations(people, { locationIds, limit: maxListed }),
    listPausedMappings(people, { locationIds, limit: maxListed }),
    listMessages(people, { locationIds, limit: 1 }),
  ]);
  const countOf = (of: "deliveries" | "webhooks") =>
    problems.items.filter((group) => group.of === of).reduce((sum, { count }) => sum + count, 0);
  const [first] = stopped;
  return {
    waitingForFirst: first && (await countWaiting(people, { locationIds: [first.id] })).count,
    ...{ ...hour, p95Ms, waiting, failedSends, pausedMappings, problems },
    ...{ dead: countOf("deliveries"), notUnderstood: countOf("webhooks") },
    stoppedLocations: stopped
      .map(showLocation)
      .flatMap(({ id, name, auth, paused }) =>
        paused ? [{ id, name, auth, ...paused, advice: reasons[paused.reason].advice }] : [],
      ),
    last: last.rows[0]?.message.receivedAt,
  };
}

const minutes = 60;
const minuteMs = 60_000;

/** Minute by minute: the last one is not over. */
async function countTheHour(people: Db, locationIds: string[] | undefined) {
  const from = new Date((Math.floor(Date.now() / minuteMs) - minutes + 1) * minuteMs);
  const counted = await countSteps(people, { span: "minute", from, locationIds }, minuteMs / 1000);
  const stepsOf = (kinds: DeliveryKind[]) =>
    Array.from({ length: minutes }, (_, index) =>
      counted
        .filter(({ step, state, kind }) => step === index && state === "delivered" && kinds.includes(kind))
        .reduce((sum, { count }) => sum + count, 0),
    );
  return { inHighlevel: stepsOf(["post-inbound"]), sent: stepsOf(["send-outbound", "send-through-highlevel"]) };
}

function sayHowItStands(view: Awaited<ReturnType<typeof readView>>): string {
  const { waiting, stoppedLocations, last } = view;
  const sayWaiting = (count: number) => `${count === maxWalked ? "10,000 or more" : count} wait`;
  const wait = sayWaiting(waiting.count);
  const [stopped, ...others] = stoppedLocations;
  if (stopped) {
    const more = others.length > 0 ? ` It is one of ${others.length + 1} locations to which nothing goes.` : "";
    return `${sayWhyStopped(stopped)}: ${sayWaiting(view.waitingForFirst ?? 0)}.${more}`;
  }
  if (!last) return "No message has come yet.";
  const ago = describeSpan(Date.now() - last.getTime());
  const given = view.dead + view.notUnderstood;
  const nothing = view.problems.isAll
    ? "nothing was given up"
    : "nothing was given up among the newest 10,000: GET /admin/deliveries?state=dead and GET /admin/webhooks?state=failed tell the rest";
  if (given === 0 && waiting.count === 0 && view.problems.isAll)
    return `All is delivered; the last message came ${ago} ago.`;
  const problems =
    given === 0 ? nothing : `${given}${view.problems.isAll ? "" : " or more"} were given up or not understood`;
  return `${waiting.count === 0 ? "Nothing waits" : wait}, and ${problems}. The last message came ${ago} ago.`;
}

const aboutTokens: FailureReason[] = ["unauthorized", "needs_reauthorization"];

function sayWhyStopped({ name, id, reason, since }: Pick<StoppedLocation, "name" | "id" | "reason" | "since">): string {
  const from = since ? ` since ${describeMinute(since, new Date())}` : "";
  if (aboutTokens.includes(reason)) return `HighLevel refuses ${name ?? id}'s token${from}`;
  return `Nothing goes to ${name ?? id}${from}, as of ${reason} (${reasons[reason].means})`;
}

type StoppedLocation = Awaited<ReturnType<typeof readView>>["stoppedLocations"][number];
