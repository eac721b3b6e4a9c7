import { reasons } from "../../advice/reasons.ts";
import type { Caller } from "../../http/caller.ts";
import type { Calls, ListedDelivery, ListedWebhook } from "../calls.ts";
import { kinds } from "../words/states.ts";

/** What was given up, or could not be read, for one reason and in one place. */
export interface ProblemGroup {
  of: "deliveries" | "webhooks";
  title: string;
  means: string | undefined;
  advice: string;
  /** In the words of the other side, of the newest. */
  said: string | null;
  /** Whose they are: a list of what belongs there. */
  place: { href: string; name: string };
  count: number;
  first: Date;
  last: Date;
  /** Where the newest is looked at. */
  example: string;
  /** What chooses them, as the API takes it. */
  filter: Record<string, string>;
}

const pageSize = 200;
const maxPages = 3;

/** The groups of the newest problems that a key reaches, the largest first; `isAll` unless there are older ones. */
export async function findProblems(calls: Calls, caller: Caller): Promise<{ groups: ProblemGroup[]; isAll: boolean }> {
  const dead = await readNewest((query) => calls.listDeliveries(caller, { query: { ...query, state: "dead" } }));
  const failed = await readNewest((query) => calls.listWebhooks(caller, { query: { ...query, state: "failed" } }));
  const groups = [...groupBy(dead.items, describeDead), ...groupBy(failed.items, describeFailed)];
  return { groups: groups.toSorted((one, other) => other.count - one.count), isAll: dead.isAll && failed.isAll };
}

async function readNewest<Item>(
  read: (query: { limit: number; cursor?: string }) => Promise<{ body: { items: Item[]; nextCursor: string | null } }>,
): Promise<{ items: Item[]; isAll: boolean }> {
  const items: Item[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < maxPages; page++) {
    const { body } = await read({ limit: pageSize, ...(cursor === null ? {} : { cursor }) });
    items.push(...body.items);
    cursor = body.nextCursor;
    if (cursor === null) return { items, isAll: true };
  }
  return { items, isAll: false };
}

type Described = Omit<ProblemGroup, "count" | "first" | "last"> & { at: Date };

function groupBy<Item>(items: Item[], describe: (item: Item) => Described): ProblemGroup[] {
  const groups = new Map<string, ProblemGroup>();
  for (const item of items) {
    const { at, ...described } = describe(item);
    const key = JSON.stringify(described.filter);
    const group = groups.get(key);
    if (group) Object.assign(group, { count: group.count + 1, first: at });
    else groups.set(key, { ...described, count: 1, first: at, last: at });
  }
  return [...groups.values()];
}

function describeDead(delivery: ListedDelivery): Described {
  const { kind, reason, detail, mappingId, locationId, messageId, createdAt, finishedAt } = delivery;
  const words = reason === null ? undefined : reasons[reason];
  return {
    of: "deliveries",
    title: `${kinds[kind]}${reason === null ? "" : `: ${reason}`}`,
    means: words?.means,
    advice: words?.advice ?? "Look at one, then replay them.",
    said: detail,
    place:
      mappingId === null
        ? { href: `/console/locations/${encodeURIComponent(locationId)}`, name: `Location ${locationId}` }
        : { href: `/console/mappings/${mappingId}`, name: "Its mapping" },
    example:
      messageId === null
        ? `/console/messages?locationId=${encodeURIComponent(locationId)}`
        : `/console/messages/${messageId}`,
    filter: {
      kind,
      ...(reason === null ? {} : { reason }),
      ...(mappingId === null ? { locationId } : { mappingId }),
    },
    at: finishedAt ?? createdAt,
  };
}

function describeFailed({ id, source, reason, accountId, receivedAt }: ListedWebhook): Described {
  const words = commonWords(reason ?? "");
  return {
    of: "webhooks",
    title: `Webhook not understood${words === "" ? "" : `: ${words}`}`,
    means: "it was verified, and could not be read",
    advice: words.startsWith("no mapping for")
      ? "Make the mapping of that number or mailbox, then replay them."
      : "The reason names the field. Have the bridge read it, then replay them.",
    said: reason,
    place:
      accountId === null
        ? { href: "/console/locations", name: "The app's own" }
        : { href: `/console/mappings?accountId=${accountId}`, name: "The account's mappings" },
    example: `/console/webhooks/${id}`,
    filter: {
      source,
      ...(words === "" ? {} : { reason: words }),
      ...(accountId === null ? {} : { accountId }),
    },
    at: receivedAt,
  };
}

/** What reasons of one kind have in common: the words before the number, the address or the value. */
const commonWords = (reason: string) => (/^[^\d+"'<@:]*/.exec(reason)?.[0] ?? "").trim();
