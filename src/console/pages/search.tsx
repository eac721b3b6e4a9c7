import { Problem } from "../../http/problem.ts";
import type { Calls } from "../calls.ts";
import { type Answer, type Ask, hrefWith, type Page } from "../frame/answer.ts";

/** As what it is looked for, the likeliest first, and by which fields of the API. */
const guesses: { fits: RegExp; names: string[] }[] = [
  { fits: /^<?[^\s<>]+@[^\s<>]+>?$/, names: ["address", "rfcMessageId"] },
  { fits: /^[+(\d][\d\s().-]{6,}$/, names: ["address"] },
  {
    fits: /^\S+$/,
    names: ["providerMessageId", "highlevelMessageId", "highlevelEmailMessageId", "contactId", "conversationId"],
  },
  { fits: /^\S+$/, names: ["locationId", "address"] },
];

/** `GET /console/search?q=`: takes whatever is pasted, and goes there. */
export function searchPage(calls: Calls): Page {
  return async (ask) => {
    const wanted = (ask.query["q"] ?? "").trim();
    if (wanted === "") return { to: "/console/messages" };
    return (await findRow(calls, ask, wanted)) ?? (await findMessages(calls, ask, wanted)) ?? nothing(wanted);
  };
}

/** Our own id: a message's number, or that of a mapping. */
async function findRow(calls: Calls, { caller }: Ask, wanted: string): Promise<Answer | undefined> {
  if (/^\d{1,15}$/.test(wanted) && (await isThere(calls.getMessage(caller, { params: { id: wanted } }))))
    return { to: `/console/messages/${wanted}` };
  if (uuid.test(wanted)) {
    const { body } = await calls.listMappings(caller, { query: { accountId: wanted, limit: 1 } });
    if (body.items.length > 0) return { to: `/console/mappings?accountId=${wanted}` };
    if (await isThere(calls.getMapping(caller, { params: { id: wanted } })))
      return { to: `/console/mappings/${wanted}` };
  }
  return undefined;
}

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

async function findMessages(calls: Calls, { caller }: Ask, wanted: string): Promise<Answer | undefined> {
  const names = guesses.filter(({ fits }) => fits.test(wanted)).flatMap((guess) => guess.names);
  for (const name of new Set(names)) {
    const value = name === "rfcMessageId" ? wanted.replace(/^<|>$/g, "") : wanted;
    const { body } = await calls.listMessages(caller, { query: { [name]: value, limit: 2 } });
    const [found, another] = body.items;
    if (found && !another) return { to: `/console/messages/${found.id}` };
    if (found) return { to: hrefWith("/console/messages", { [name]: value }) };
  }
  return undefined;
}

async function isThere(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return false;
    throw error;
  }
}

function nothing(wanted: string): Answer {
  return {
    title: "Search",
    status: 404,
    body: (
      <>
        <h1>Nothing found</h1>
        <p>
          No message that your key reaches has <bdi>{wanted.slice(0, 200)}</bdi> as its person, as one of its ids, or as
          its location. What was never understood has no message: look at{" "}
          <a href="/console/webhooks?state=failed">the webhooks that failed</a>.
        </p>
      </>
    ),
  };
}
