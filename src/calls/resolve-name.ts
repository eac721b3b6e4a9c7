import type { LookupFunction } from "node:net";
import { type Answer, type AskName, isFinal, NameError } from "./ask-name.ts";
import type { Address } from "./hosts-file.ts";
import { nameLimits } from "./limits.ts";

/** The addresses of a host, at least one. Throws a NameError. */
export type ResolveName = (name: string) => Promise<Address[]>;

interface Entry {
  addresses: Promise<Address[]>;
  /** Until when they serve without asking again. */
  untilMs: number;
  /** The last good answer, and when it came. */
  last: { addresses: Address[]; atMs: number } | undefined;
}

/**
 * Keeps answers by their TTL. All who ask for a name meanwhile share one look-up. While no name server answers, the last
 * good answer serves on; a name that is said to be gone is gone at once.
 */
export function createResolveName(ask: AskName): ResolveName {
  const entries = new Map<string, Entry>();

  return (given) => {
    const name = given.toLowerCase().replace(/\.$/, "");
    const known = entries.get(name);
    if (known && performance.now() < known.untilMs) return known.addresses;
    // To the end of the line: the one that was asked for longest ago is the first to be forgotten.
    entries.delete(name);
    const entry = keep(ask(name), known?.last);
    entries.set(name, entry);
    const [oldest] = entries.keys();
    if (entries.size > nameLimits.maxNames && oldest !== undefined) entries.delete(oldest);
    return entry.addresses;
  };
}

function keep(answer: Promise<Answer>, last: Entry["last"]): Entry {
  const keepFor = (ms: number) => {
    entry.untilMs = performance.now() + ms;
  };
  const addresses = answer.then(
    (good) => {
      keepFor(Math.min(nameLimits.maxTtlMs, Math.max(nameLimits.minTtlMs, good.ttlSeconds * 1000)));
      entry.last = { addresses: good.addresses, atMs: performance.now() };
      return good.addresses;
    },
    (error: unknown) => {
      keepFor(nameLimits.failedMs);
      if (!isFinal(error) && last && performance.now() - last.atMs < nameLimits.maxStaleMs) return last.addresses;
      entry.last = undefined;
      throw error;
    },
  );
  const entry: Entry = { addresses, untilMs: Number.POSITIVE_INFINITY, last };
  return entry;
}

/** Word and number for one family: `dns.lookup` takes both. */
const families = new Map<unknown, 4 | 6>([
  [4, 4],
  [6, 6],
  ["IPv4", 4],
  ["IPv6", 6],
]);

/** How an agent's connections look names up: those are connected to the very addresses that this gives. */
export function createLookup(resolve: ResolveName): LookupFunction {
  return (name, { family, all }, callback) => {
    const wanted = families.get(family);
    const found = resolve(name).then((addresses) => {
      const fitting = addresses.filter((each) => wanted === undefined || each.family === wanted);
      if (fitting.length === 0) throw new NameError(name, "ENODATA");
      return fitting;
    });
    found.then(
      (addresses) => {
        const [first] = addresses;
        if (all) callback(null, addresses);
        else callback(null, first?.address ?? "", first?.family);
      },
      (error: Error) => callback(error, ""),
    );
  };
}
