import { kinds } from "../../advice/kinds.ts";
import type { Calls, ProblemGroup } from "../calls.ts";
import { type Ask, hrefWith, type Page } from "../frame/answer.ts";
import { isForInside } from "../frame/document.tsx";
import { Filters, when, whose } from "../frame/list.tsx";
import { Time, Ways, Why } from "../frame/parts.tsx";

/** `GET /console/problems`: dead letters and webhooks that were not understood, grouped by why and where. */
export function problemsPage(calls: Calls): Page {
  return async ({ caller, query }) => {
    const { body: found } = await calls.listProblems(caller, { query });
    return {
      title: "Problems",
      body: (
        <>
          <Ways to={{ Replays: "/console/lists/replays" }} />
          <Filters path="/console/problems" query={query} choices={[...whose, ...when]} />
          {found.items.length === 0 && (
            <div class="empty">
              <p>Nothing was given up, and every webhook was understood.</p>
            </div>
          )}
          {!found.isAll && <p class="hint">Counted are the newest alone: there are older ones.</p>}
          {found.items.map((group) => (
            <Group key={JSON.stringify(group.filter)} {...{ group, query, caller }} />
          ))}
        </>
      ),
    };
  };
}

/** Replayed and discarded is what is shown: what the page was narrowed to. */
export function Group({ group, query, caller }: { group: ProblemGroup } & Partial<Ask> & Pick<Ask, "caller">) {
  const mayWrite = caller.access === "write";
  const there = (href: string) => (!caller.isInside || isForInside(href.slice("/console".length))) && href;
  const { of, means, advice, detail, count, firstAt, lastAt } = group;
  const filter = { ...query, ...group.filter };
  const { title, place, example } = describeGroup(group);
  const replay = `Replay ${count}…`;
  return (
    <section class="card bad">
      <div class="head">
        <h2>{title}</h2>
        <span class="state bad">{count}</span>
        <span class="faint">
          first <Time at={firstAt} />, last <Time at={lastAt} />
        </span>
      </div>
      <Why {...{ means, detail, advice }} />
      <Ways
        primary={replay}
        to={{
          [replay]: mayWrite && hrefWith("/console/replays/new", { of, ...filter }),
          "Look at the newest": there(example),
          "Discard…": mayWrite && hrefWith(discard[of], filter),
          [place.name]: there(place.href),
          "Add a number or mailbox…":
            mayWrite && isUnmapped(group) && there(hrefWith("/console/do/createMapping", group.filter)),
        }}
      />
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
const isUnmapped = ({ of, reason }: ProblemGroup) => of === "webhooks" && reason?.startsWith("no mapping for") === true;
