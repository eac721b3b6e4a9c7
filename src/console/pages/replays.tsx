import { kinds } from "../../advice/kinds.ts";
import { describeUtc } from "../../advice/spans.ts";
import { deliveryKinds } from "../../model.ts";
import type { BodyOf, Calls } from "../calls.ts";
import { Deeds } from "../forms/deed-buttons.tsx";
import { Fields as Shown } from "../forms/outcome.tsx";
import type { Page } from "../frame/answer.ts";
import { Facts, Hidden, Said, Time, Ways } from "../frame/parts.tsx";

const path = "/console/replays";
type Fields = Record<string, string>;

/** `GET /console/replays/new`: how many it would be of each kind, and the first of them; nothing is done yet. */
export function newReplayPage(calls: Calls): Page {
  return async ({ caller, query }) => {
    const { of = "deliveries", ticked, ...filter } = withTicks(query);
    const each = of === "webhooks" || filter["kind"] ? [{}] : deliveryKinds.map((kind) => ({ kind }));
    const isNothing = ticked !== undefined && filter["messageIds"] === undefined;
    const asked = (isNothing ? [] : each).map((kind) => ({ of, ...filter, ...kind }) as Fields);
    const found = await Promise.all(
      asked.map(async (fields) => {
        const { body } = await calls.createReplay(caller, { body: { ...bodyOf(fields), dryRun: true } });
        return "dryRun" in body ? { ...body, fields } : { counted: 0, sample: [], fields };
      }),
    );
    const there = found.filter(({ counted }) => counted > 0);
    return {
      title: "Replay?",
      body: (
        <>
          {isNothing ? <p>Nothing is ticked.</p> : <Chosen filter={filter} />}
          {there.length === 0 && !isNothing && <p>Nothing of that was given up.</p>}
          {there.map(({ counted, sample, fields }) => (
            <section key={fields["kind"]} class="card">
              <h2>
                {counted} × {nameOf(fields)}
              </h2>
              <ul>
                {sample.map((one) => (
                  <li key={one.id}>
                    {"address" in one ? <Said>{one.address}</Said> : `Webhook ${one.id}`}{" "}
                    <span class="faint">{describeUtc("createdAt" in one ? one.createdAt : one.receivedAt)}</span>
                  </li>
                ))}
              </ul>
              <form method="post" action={path} class="filters">
                <Hidden fields={Object.entries(fields)} />
                <label>
                  A second, at most
                  <input type="number" name="perSecond" value="5" min="1" max="1000" required />
                </label>
                <button type="submit" class="primary">
                  Replay {counted}
                </button>
              </form>
            </section>
          ))}
          <Ways to={{ "Leave them": "/console/problems" }} />
        </>
      ),
    };
  };
}

/** `POST /console/replays`: the same, begun. */
export function startReplay(calls: Calls): Page {
  return async ({ caller, form }) => {
    const { body: made } = await calls.createReplay(caller, { body: bodyOf(form) });
    return { to: "id" in made ? `${path}/${made.id}` : path };
  };
}

/** `GET /console/replays/{id}`: how far it is, and what became of what went out again. */
export function replayPage(calls: Calls): Page {
  return async ({ caller, params }) => {
    const { body: replay } = await calls.getReplay(caller, { params });
    const isRunning = replay.state === "running";
    return {
      title: `Replay ${replay.id} ${isRunning ? "is under way" : `is ${replay.state}`}`,
      ...(isRunning || replay.outcomes?.pending ? { refreshSeconds: 3 } : {}),
      body: (
        <>
          <Chosen filter={replay.filter} />
          <progress aria-label="How far it is" value={replay.replayed} max={Math.max(replay.counted, 1)} />
          <Result replay={replay} />
          {isRunning && <Deeds caller={caller} deeds={["stopReplay"]} about={replay} />}
          <Ways to={{ Problems: "/console/problems", "All replays": "/console/lists/replays" }} />
        </>
      ),
    };
  };
}

function Result({ replay }: { replay: BodyOf<"getReplay", 200> }) {
  const { state, replayed, counted, skipped, outcomes, perSecond, who, reason, createdAt, finishedAt } = replay;
  return (
    <Facts
      facts={{
        "Out again": `${replayed} of ${counted}, ${perSecond} a second at most`,
        Delivered: outcomes?.delivered,
        "Wait, or are tried again": outcomes?.pending,
        "Given up again": outcomes?.dead && <a href="/console/problems">{outcomes.dead}</a>,
        Discarded: outcomes?.discarded || undefined,
        "Passed over: somebody replayed or discarded them before, or paused their mapping": skipped || undefined,
        [state === "stopped" ? "Stopped" : "Note"]: reason,
        By: who,
        Begun: <Time at={createdAt} />,
        Ended: finishedAt && <Time at={finishedAt} />,
      }}
    />
  );
}

const nameOf = ({ of, kind }: Fields) =>
  of === "webhooks" ? "read again" : (kinds[kind as keyof typeof kinds] ?? kind);

function Chosen({ filter }: { filter: Record<string, unknown> }) {
  const { of: _of, messageIds, ...said } = filter;
  if (Object.keys(said).length === 0) return <p>Chosen are {messageIds ? "those with a tick" : "all of them"}.</p>;
  return <Shown of={Object.entries(said)} />;
}

/** Messages that were ticked, each by a field of its own. */
function withTicks(fields: Fields): Fields {
  const ticked = Object.keys(fields).flatMap((name) => /^m\.(\d+)$/.exec(name)?.[1] ?? []);
  const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => !name.startsWith("m.")));
  return ticked.length > 0 ? { ...rest, messageIds: ticked.join(",") } : rest;
}

const bodyOf = ({ messageIds, perSecond, ...fields }: Fields) => ({
  ...fields,
  ...(perSecond === undefined ? {} : { perSecond: Number(perSecond) }),
  ...(messageIds === undefined ? {} : { messageIds: messageIds.split(",").map(Number) }),
});
