import type { ComponentChildren } from "preact";
import { describeSpan } from "../../advice/spans.ts";
import type { BodyOf, Calls, ListedMessage } from "../calls.ts";
import type { Page } from "../frame/answer.ts";
import { Said, State, Time, Ways } from "../frame/parts.tsx";
import { Sparkline, Tile } from "../frame/tile.tsx";
import { reconnectAt } from "./locations.tsx";
import { Group } from "./problems.tsx";

const maxGroups = 5;
const fewMessages = 10;

/** `GET /console`: whether all is well in one sentence, what needs somebody, and what happened last. */
export function overviewPage(calls: Calls): Page {
  return async ({ caller }) => {
    const asked = [calls.getOverview(caller), calls.listMessages(caller, { query: { limit: fewMessages } })] as const;
    const [{ body: view }, { body: last }] = await Promise.all(asked);
    const { stoppedLocations, pausedMappings } = view;
    const groups = view.problems.items;
    return {
      title: "Overview",
      body: (
        <>
          <p class="lead" data-renew="">
            {view.says}
          </p>
          {isBeginning(last.items) && <Ways primary="First steps" to={{ "First steps": "/console/first-steps" }} />}
          <Tiles view={view} />
          {groups.length + stoppedLocations.length + pausedMappings.length > 0 && <h2>Needs you</h2>}
          {stoppedLocations.map(({ id, name, reason, advice, since, ...stopped }) => (
            <Stopped
              key={id}
              href={`/console/locations/${encodeURIComponent(id)}`}
              advice={advice}
              reconnect={caller.access === "write" && reconnectAt({ id, reason, ...stopped })}
            >
              Nothing goes to <Said>{name ?? id}</Said>: {reason}
              {since && [" since ", <Time key="since" at={since} />]}
            </Stopped>
          ))}
          {pausedMappings.map(({ id, address, name, pausedAt }) => (
            <Stopped key={id} href={`/console/mappings/${id}`} advice="What comes is kept. Resume it, and it goes on.">
              <Said>{name ?? address}</Said> is paused since <Time at={pausedAt} />
            </Stopped>
          ))}
          {groups.slice(0, maxGroups).map((group) => (
            <Group key={JSON.stringify(group.filter)} group={group} caller={caller} />
          ))}
          {groups.length > maxGroups && <a href="/console/problems">All {groups.length} problems</a>}
          {last.items.length > 0 && <h2>The last messages</h2>}
          <ul class="last" data-renew="/console/live/events">
            {last.items.map(({ id, address, direction, state, receivedAt }) => (
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

type StoppedProps = { href: string; advice: string; reconnect?: string | false; children: ComponentChildren };

function Stopped({ href, advice, reconnect = false, children }: StoppedProps) {
  return (
    <section class="card bad">
      <h2>{children}</h2>
      <p>{advice}</p>
      <Ways
        primary={reconnect === false ? "Look at it" : "Reconnect"}
        to={{ Reconnect: reconnect, "Look at it": href }}
      />
    </section>
  );
}

function Tiles({ view }: { view: BodyOf<"getOverview", 200> }) {
  const { inHighlevel, sent, p95Ms, waiting, dead, notUnderstood, failedSends, pausedMappings, stoppedLocations } =
    view;
  const counts: [said: ComponentChildren, count: number | string][] = [
    ["95 of 100 in HighLevel within", p95Ms === null ? "–" : describeSpan(p95Ms)],
    [<a href="/console/problems">Given up</a>, dead],
    [<a href="/console/webhooks?state=failed">Not understood</a>, notUnderstood],
    [<a href="/console/messages?state=failed">Failed sends</a>, failedSends],
    ["Paused", pausedMappings.length + stoppedLocations.length],
  ];
  return (
    <ul class="tiles" data-renew="">
      {Object.entries({ "In HighLevel, last hour": inHighlevel, "Sent, last hour": sent }).map(([said, steps]) => (
        <Tile key={said} said={said} value={steps.reduce((sum, count) => sum + count, 0)}>
          <Sparkline counts={steps} />
        </Tile>
      ))}
      <Tile said="Waiting" value={waiting.count}>
        {waiting.oldestAt && (
          <span class="faint">
            since <Time at={waiting.oldestAt} />
          </span>
        )}
      </Tile>
      {counts.map(([said, count], index) => (
        <Tile key={String(index)} said={said} value={count} />
      ))}
    </ul>
  );
}
