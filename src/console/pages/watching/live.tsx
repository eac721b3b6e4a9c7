import type { Calls } from "../../calls.ts";
import { hrefWith, type Page } from "../../frame/answer.ts";
import { Filters, Table, whose } from "../../frame/list.tsx";
import { columns } from "../messages.tsx";

const path = "/console/live";
const shownAtFirst = 30;

const choices = [
  ...whose,
  { name: "direction", label: "Direction", words: ["inbound", "outbound"] },
  { name: "problems", label: "Problems only", words: ["true"] },
];

/** `GET /console/live`: the last messages, above which the script puts what happens; without it they are asked for anew. */
export function livePage(calls: Calls): Page {
  return async ({ caller, query }) => {
    const { body: page } = await calls.listMessages(caller, { query: { ...query, limit: shownAtFirst } });
    return {
      title: "Live",
      body: (
        <>
          <Filters path={path} query={query} choices={choices} />
          <p class="actions" data-live={hrefWith(`${path}/events`, query)}>
            <a class="button" href={hrefWith(path, query)}>
              Refresh
            </a>
            <span class="faint" role="status">
              The last messages. With scripts, each event is told here as it happens.
            </span>
          </p>
          <Table items={page.items} columns={columns} keyOf={({ id }) => id} />
        </>
      ),
    };
  };
}

/** `GET /console/live/events`: the same stream as the API's. */
export function liveEvents(calls: Calls): Page {
  return async ({ caller, query }) => ({ reply: await calls.watchLive(caller, { query }) });
}
