import type { Command } from "commander";
import { z } from "zod";
import type { Bridge, Query } from "./call-bridge.ts";
import { wrongUse } from "./command-error.ts";
import { say, sayJson } from "./print.ts";
import type { Session } from "./session.ts";

/** What narrows a list, by the name of the option and that of the API's parameter. */
const filters = {
  location: ["<id>", "locationId", "of this location"],
  mapping: ["<id>", "mappingId", "of this mapping"],
  account: ["<id>", "accountId", "of this account"],
  address: ["<address>", "address", "of this person, in any writing"],
  contact: ["<id>", "contactId", "of this contact in HighLevel"],
  conversation: ["<id>", "conversationId", "of this conversation in HighLevel"],
  state: ["<state>", "state", "in this state"],
  direction: ["<direction>", "direction", "inbound or outbound"],
  "delivery-state": ["<state>", "deliveryState", "with a delivery that is pending, delivered, dead or discarded"],
  aside: ["<why>", "aside", "kept or held: what was not posted"],
  channel: ["<channel>", "channel", "sms or email"],
  provider: ["<name>", "provider", "by this provider"],
  files: ["", "hasFiles", "with files"],
  automatic: ["", "automatic", "that a machine wrote"],
  problems: ["", "problems", "that failed, were given up or held, or are tried again"],
  kind: ["<kind>", "kind", "of this kind of delivery, such as post-inbound"],
  reason: ["<reason>", "reason", "for this reason"],
  code: ["<code>", "code", "that the provider refused by this code; none for what has none"],
  paused: ["", "paused", "to which nothing goes"],
} as const satisfies Record<string, readonly [argument: string, parameter: string, about: string]>;

export type FilterName = keyof typeof filters;
export type Options = Record<string, string | boolean | undefined>;

export function addFilters(command: Command, names: FilterName[], withTimes = false): Command {
  for (const name of names) {
    const [argument, , about] = filters[name];
    command.option(`--${name} ${argument}`.trim(), about);
  }
  if (!withTimes) return command;
  return command
    .option("--since <time>", "not older: 30m, 2h, 3d, or a time such as 2026-01-31T09:30:00Z")
    .option("--until <time>", "older than this");
}

/** The parameters that the given options mean. */
export function readFilters(options: Options): Query {
  const named = Object.entries(filters).map(([name, [, parameter]]) => [parameter, options[toCamel(name)]]);
  const { since, until } = options;
  return {
    ...Object.fromEntries(named),
    ...(typeof since === "string" ? { from: readTime(since) } : {}),
    ...(typeof until === "string" ? { until: readTime(until) } : {}),
  };
}

const toCamel = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

const seconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

export function readTime(text: string): string {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(Date.now() - Number(count) * (seconds[unit] ?? 0) * 1000).toISOString();
  if (/^\d{4}-/.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
  throw wrongUse(`${text} is no time: 30m, 2h, 3d, or 2026-01-31T09:30:00Z`);
}

const page = z.object({ items: z.array(z.unknown()), nextCursor: z.string().nullable() });

/** All of a list, page by page, as far as it is asked for. */
export async function* walk<Item>(bridge: Bridge, path: string, item: z.ZodType<Item>, query: Query = {}) {
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = page.parse(await bridge.get(path, { limit: 200, ...query, cursor }));
    for (const each of items) yield item.parse(each);
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** The first of a list, up to so many. */
export async function take<Item>(items: AsyncIterable<Item>, count: number): Promise<Item[]> {
  const taken: Item[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= count) break;
  }
  return taken;
}

interface ListOf<Item> {
  path: string;
  item: z.ZodType<Item>;
  /** Prints what there is. */
  show(items: Item[]): void;
  nothing: string;
}

/** With `--json` one page as the API answers it; else as many as were asked for, from as many pages as that takes. */
export async function sayList<Item>(session: Session, options: Options, list: ListOf<Item>): Promise<void> {
  const limit = readLimit(options["limit"]);
  const query = readFilters(options);
  if (session.isJson()) {
    const { cursor } = options;
    const asked = { ...query, limit: Math.min(limit, 200), ...(typeof cursor === "string" ? { cursor } : {}) };
    return sayJson(session, await session.bridge().get(list.path, asked));
  }
  const items = await take(
    walk(session.bridge(), list.path, list.item, { ...query, limit: Math.min(limit + 1, 200) }),
    limit + 1,
  );
  if (items.length === 0) return say(session, list.nothing);
  list.show(items.slice(0, limit));
  if (items.length > limit) say(session, `The first ${limit}. More: --limit ${limit * 4}`);
}

export const addLimit = (command: Command) =>
  command
    .option("--limit <count>", "how many", "50")
    .option("--cursor <cursor>", "with --json: the nextCursor of the page before");

function readLimit(given: unknown): number {
  const limit = z.coerce
    .number()
    .int()
    .min(1)
    .max(100_000)
    .safeParse(given ?? 50);
  if (limit.success) return limit.data;
  throw wrongUse(`--limit ${String(given)}: must be a whole number from 1 on`);
}
