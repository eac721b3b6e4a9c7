import { reasons } from "../../advice/reasons.ts";
import { describeSpan } from "../../advice/spans.ts";
import type { Caller } from "../../http/caller.ts";
import type { Calls, ListedMessage, Location, ProblemGroup } from "../calls.ts";
import type { Page } from "../frame/answer.ts";
import { Said, State, Time, Ways } from "../frame/parts.tsx";
import { Sparkline } from "../frame/sparkline.tsx";
import { Group } from "./problems.tsx";

const hourMs = 3_600_000;
const maxCounted = 200;
const maxGroups = 5;
const fewMessages = 10;

/** `GET /console`: whether all is well in one sentence, what needs somebody, and what happened last. */
export function overviewPage(calls: Calls): Page {
  return async ({ caller }) => {
    const { items: groups } = (await calls.listProblems(caller)).body;
    const view = { ...(await readView(calls, caller)), groups };
    return {
      title: "Overview",
      body: (
        <>
          <h1>Overview</h1>
          <p class="lead">{sayHowItStands(view)}</p>
          {isBeginning(view.last) && <Ways to={{ "First steps": "/console/first-steps" }} />}
          <Tiles view={view} />
          {groups.length + view.paused.length > 0 && (
            <>
              <h2>Needs you</h2>
              {view.paused.map((location) => (
                <Paused key={location.id} location={location} />
              ))}
              {groups.slice(0, maxGroups).map((group) => (
                <Group key={JSON.stringify(group.filter)} group={group} mayWrite={caller.access === "write"} />
              ))}
              {groups.length > maxGroups && <a href="/console/problems">All {groups.length} problems</a>}
            </>
          )}
          {view.last.length > 0 && <h2>The last messages</h2>}
          <ul class="last">
            {view.last.map(({ id, address, direction, state, receivedAt }) => (
              <li key={id}>
                <a href={`/console/messages/${id}`}>
                  {direction === "inbound" ? "from" : "to"} <Said>{address}</Said>
                </a>{" "}
                <State state={state} /> <Time at={receivedAt} />
              </li>
            ))}
          </ul>
        </>
      ),
    };
  };
}

/** Few came, and none is known to have arrived that was sent. */
const isBeginning = (last: ListedMessage[]) =>
  last.length < fewMessages && !last.some(({ state }) => state === "delivered" || state === "read");

type View = Awaited<ReturnType<typeof readView>> & { groups: ProblemGroup[] };

/** What is counted is counted up to 200: then there are that many, or more. */
async function readView(calls: Calls, caller: Caller) {
  const since = new Date(Date.now() - hourMs).toISOString();
  const lately = await calls.listMessages(caller, { query: { from: since, limit: maxCounted } });
  const waiting = await calls.listDeliveries(caller, { query: { state: "pending", limit: maxCounted } });
  const failed = await calls.listMessages(caller, { query: { state: "failed", limit: maxCounted } });
  const last = await calls.listMessages(caller, { query: { limit: fewMessages } });
  const paused = await calls.listLocations(caller, { query: { paused: "true", limit: maxGroups } });
  return {
    lately: lately.body.items,
    waiting: waiting.body.items,
    failed: failed.body.items.length,
    last: last.body.items,
    paused: paused.body.items,
  };
}

function Paused({ location: { id, name, paused } }: { location: Location }) {
  if (!paused) return null;
  return (
    <section class="card bad">
      <h2>
        Nothing goes to <Said>{name ?? id}</Said>: {paused.reason}
      </h2>
      <p>{reasons[paused.reason].advice}</p>
      <div class="actions">
        <a class="button primary" href={`/console/locations/${encodeURIComponent(id)}`}>
          Look at it
        </a>
      </div>
    </section>
  );
}

function sayHowItStands({ groups, waiting, last, paused }: View): string {
  const [stopped] = paused;
  if (stopped?.paused)
    return `Nothing goes to ${stopped.name ?? stopped.id}: ${reasons[stopped.paused.reason].means}. ${atLeast(waiting.length)} wait.`;
  const given = groups.reduce((sum, { count }) => sum + count, 0);
  const [newest] = last;
  if (!newest) return "No message has come yet.";
  const ago = describeSpan(Date.now() - newest.receivedAt.getTime());
  if (given === 0 && waiting.length === 0) return `All is delivered; the last message came ${ago} ago.`;
  const waits = waiting.length === 0 ? "Nothing waits" : `${atLeast(waiting.length)} wait`;
  const problems = given === 0 ? "nothing was given up" : `${given} were given up or not understood`;
  return `${waits}, and ${problems}. The last message came ${ago} ago.`;
}

const steps = 24;

/** How many came in each part of the last hour. */
function countSteps(times: Date[]): number[] {
  const ages = times.map((time) => Math.floor(((Date.now() - time.getTime()) / hourMs) * steps));
  return Array.from({ length: steps }, (_, index) => ages.filter((age) => age === steps - 1 - index).length);
}

const atLeast = (count: number) => (count === maxCounted ? `${count} or more` : String(count));

function Tiles({ view: { lately, waiting, failed, groups } }: { view: View }) {
  const ofDirection = (direction: ListedMessage["direction"]) => lately.filter((each) => each.direction === direction);
  const oldest = waiting.at(-1);
  const countOf = (of: ProblemGroup["of"]) =>
    groups.filter((group) => group.of === of).reduce((sum, { count }) => sum + count, 0);
  return (
    <ul class="tiles">
      {(["inbound", "outbound"] as const).map((direction) => (
        <li key={direction}>
          {direction === "inbound" ? "In, last hour" : "Out, last hour"}
          <strong>{atLeast(ofDirection(direction).length)}</strong>
          <Sparkline counts={countSteps(ofDirection(direction).map(({ receivedAt }) => receivedAt))} />
        </li>
      ))}
      <li>
        Waiting
        <strong>{atLeast(waiting.length)}</strong>
        {oldest && (
          <span class="faint">
            since <Time at={oldest.createdAt} />
          </span>
        )}
      </li>
      <li>
        <a href="/console/problems">Given up</a>
        <strong>{countOf("deliveries")}</strong>
      </li>
      <li>
        <a href="/console/webhooks?state=failed">Not understood</a>
        <strong>{countOf("webhooks")}</strong>
      </li>
      <li>
        <a href="/console/messages?state=failed">Failed sends</a>
        <strong>{atLeast(failed)}</strong>
      </li>
    </ul>
  );
}
