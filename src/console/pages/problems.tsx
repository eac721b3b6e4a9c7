import { kinds } from "../../advice/kinds.ts";
import type { Calls, ProblemGroup } from "../calls.ts";
import { type Ask, hrefWith, type Page } from "../frame/answer.ts";
import { Said, Time, Ways } from "../frame/parts.tsx";

/** `GET /console/problems`: dead letters and webhooks that were not understood, grouped by why and where. */
export function problemsPage(calls: Calls): Page {
  return async ({ caller }) => {
    const { body: found } = await calls.listProblems(caller);
    return {
      title: "Problems",
      body: (
        <>
          <h1>Problems</h1>
          <Ways to={{ Replays: !caller.isInside && "/console/lists/replays" }} />
          {found.items.length === 0 && (
            <div class="empty">
              <p>Nothing was given up, and every webhook was understood.</p>
            </div>
          )}
          {!found.isAll && <p class="hint">Counted are the newest alone: there are older ones.</p>}
          {found.items.map((group) => (
            <Group key={JSON.stringify(group.filter)} group={group} mayWrite={mayReplayMany(caller)} />
          ))}
        </>
      ),
    };
  };
}

/** Not who has no key. */
export const mayReplayMany = ({ access, isInside }: Ask["caller"]) => access === "write" && !isInside;

export function Group({ group, mayWrite }: { group: ProblemGroup; mayWrite: boolean }) {
  const { of, means, advice, detail, count, firstAt, lastAt, filter } = group;
  const { title, place, example } = describeGroup(group);
  return (
    <section class="card bad">
      <div class="head">
        <h2>{title}</h2>
        <span class="state bad">{count}</span>
        <span class="faint">
          first <Time at={firstAt} />, last <Time at={lastAt} />
        </span>
      </div>
      {means && <p>That means: {means}.</p>}
      {detail && (
        <p class="hint">
          <Said>{detail.slice(0, maxSaid)}</Said>
        </p>
      )}
      <p>{advice}</p>
      <Ways
        to={{
          "Look at the newest": example,
          "Discard…": mayWrite && hrefWith(discard[of], filter),
          [place.name]: place.href,
        }}
      >
        {mayWrite && (
          <a class="button primary" href={hrefWith("/console/replays/new", { of, ...filter })}>
            Replay…
          </a>
        )}
      </Ways>
    </section>
  );
}

/** What it is called, whose its members are, and where the newest is looked at. */
function describeGroup({ reason, example, ...group }: ProblemGroup) {
  const why = reason === null ? "" : `: ${reason}`;
  if (group.of === "webhooks") {
    const { accountId } = group.filter;
    const app = { href: "/console/locations", name: "The app's own" };
    const account = { href: `/console/mappings?accountId=${accountId}`, name: "The account's mappings" };
    const place = accountId === undefined ? app : account;
    return { title: `Webhook not understood${why}`, place, example: `/console/webhooks/${example.id}` };
  }
  const { kind, code = "none", mappingId, locationId = "" } = group.filter;
  const location = { href: `/console/locations/${encodeURIComponent(locationId)}`, name: `Location ${locationId}` };
  return {
    title: `${kinds[kind]}${why}${code === "none" ? "" : ` (${code})`}`,
    place: mappingId === undefined ? location : { href: `/console/mappings/${mappingId}`, name: "Its mapping" },
    example: example.messageId === null ? location.href : `/console/messages/${example.messageId}`,
  };
}

const discard = { deliveries: "/console/do/discardDeliveries", webhooks: "/console/do/discardWebhooks" };
const maxSaid = 300;
