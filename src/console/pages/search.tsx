import type { Calls } from "../calls.ts";
import { hrefWith, type Page } from "../frame/answer.ts";

/** `GET /console/search?q=`: takes whatever is pasted, and goes there. */
export function searchPage(calls: Calls): Page {
  return async ({ caller, query }) => {
    const wanted = (query["q"] ?? "").trim();
    if (wanted === "") return { to: "/console/messages" };
    const { body: it } = await calls.search(caller, { query: { q: wanted } });
    if (it.found === "mapping") return { to: `/console/mappings/${it.id}` };
    if (it.found === "account") return { to: `/console/mappings?accountId=${it.id}` };
    if (it.found === "nothing") return { title: "Nothing found", status: 404, body: <Nothing wanted={wanted} /> };
    const [found, another] = it.items;
    return { to: another ? hrefWith("/console/messages", { [it.by]: it.value }) : `/console/messages/${found?.id}` };
  };
}

const Nothing = ({ wanted }: { wanted: string }) => (
  <p>
    No message that your key reaches has <bdi>{wanted.slice(0, 200)}</bdi> as its person, as one of its ids, or as its
    location. What was never understood has no message: look at{" "}
    <a href="/console/webhooks?state=failed">the webhooks that failed</a>.
  </p>
);
