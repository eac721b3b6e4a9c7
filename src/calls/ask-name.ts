import { type RecordWithTtl, Resolver } from "node:dns";
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { createLimit } from "../concurrency/limit.ts";
import { type Address, createHostsFile } from "./hosts-file.ts";
import { nameLimits } from "./limits.ts";

/** A name without addresses, or name servers that do not answer: `code` says which. */
export class NameError extends Error {
  override name = "NameError";
  readonly code: string;

  constructor(name: string, code: string) {
    super(`the look-up of ${name} failed (${code})`);
    this.code = code;
  }
}

export interface Answer {
  /** At least one, the IPv4 ones first. */
  addresses: Address[];
  ttlSeconds: number;
}

/** Looks a name up, anew each time; in lower case and without a dot at its end. Throws a NameError within some seconds. */
export type AskName = (name: string) => Promise<Answer>;

export interface AskNameOptions {
  /** For hosts that the operator names: the system's resolver also knows the names of a network or of a cluster. */
  useSystem: boolean;
  /** `address:port` each; without them, those that the system is set to. */
  nameServers?: readonly string[] | undefined;
}

/**
 * Asks the hosts file, then the name servers, in that order, and never one of Node's four threads: a name server that
 * keeps silent would hold them, and with them files and passwords of everybody. The system's own resolver, which needs a
 * thread, gets at most two.
 */
export function createAskName({ useSystem, nameServers }: AskNameOptions): AskName {
  const findInHosts = createHostsFile();
  const askServers = createAskServers(nameServers);
  const systemLimit = createLimit(nameLimits.maxSystemLookups);
  const askSystem = async (name: string) => systemLimit.run(() => askSystemNow(name));

  async function ask(name: string): Promise<Answer> {
    const known = findInHosts(name);
    if (known.length > 0) return { addresses: known, ttlSeconds: 0 };
    if (name === "localhost" || name.endsWith(".localhost")) return { addresses: loopback, ttlSeconds: 0 };
    if (!useSystem) return askServers(name);
    if (isLocal(name)) return askSystem(name);
    return askServers(name).catch((error: unknown) => {
      if (!isFinal(error)) throw error;
      return askSystem(name);
    });
  }
  return (name) => withinTime(ask(name), name);
}

/** Also where the hosts file lacks it: https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
const loopback: Address[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

/** A name of this machine or network, which no public name server knows. */
const isLocal = (name: string) => !name.includes(".") || /\.(local|internal)$/.test(name);

/** Did a name server say that there are no such addresses? Everything else may be over in a moment. */
export function isFinal(error: unknown): boolean {
  return error instanceof NameError && (error.code === "ENOTFOUND" || error.code === "ENODATA");
}

async function withinTime(answer: Promise<Answer>, name: string): Promise<Answer> {
  const ended = new AbortController();
  const late = sleep(nameLimits.timeoutMs, undefined, { signal: ended.signal, ref: false }).then(() => {
    throw new NameError(name, "ETIMEOUT");
  });
  late.catch(() => {});
  return Promise.race([answer, late]).finally(() => ended.abort());
}

async function askSystemNow(name: string): Promise<Answer> {
  const addresses = await lookup(name, { all: true }).catch((error: unknown) => {
    throw new NameError(name, codeOf(error));
  });
  return {
    addresses: addresses.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 })),
    ttlSeconds: 0,
  };
}

const renewAfterMs = 30_000;

/** By c-ares, whose sockets belong to the event loop. Where nothing answers, the system's settings are read anew. */
function createAskServers(nameServers: readonly string[] | undefined): AskName {
  const open = () => {
    const resolver = new Resolver({ timeout: nameLimits.questionMs, tries: nameLimits.questions });
    if (nameServers) resolver.setServers(nameServers);
    return { resolver, atMs: performance.now() };
  };
  let current = open();

  return async (name) => {
    try {
      return await askBoth(current.resolver, name);
    } catch (error) {
      if (!isFinal(error) && performance.now() - current.atMs > renewAfterMs) current = open();
      throw error;
    }
  };
}

async function askBoth(resolver: Resolver, name: string): Promise<Answer> {
  const v6 = hasIpv6() ? askFamily(resolver, name, 6) : Promise.resolve(noAnswer);
  const v4 = await askFamily(resolver, name, 4);
  // Some name servers never answer a question for IPv6.
  const rest = v4.records.length > 0 ? sleep(nameLimits.otherFamilyMs, noAnswer, { ref: false }) : undefined;
  const answers = [v4, rest ? await Promise.race([v6, rest]) : await v6];
  const records = answers.flatMap((answer) => answer.records).slice(0, nameLimits.maxAddresses);
  if (records.length === 0)
    throw new NameError(name, answers.find(({ code }) => code !== "ENODATA")?.code ?? "ENODATA");
  return { addresses: records, ttlSeconds: Math.min(...records.map(({ ttlSeconds }) => ttlSeconds)) };
}

interface FamilyAnswer {
  records: (Address & { ttlSeconds: number })[];
  /** Why there are none. */
  code: string;
}

const noAnswer: FamilyAnswer = { records: [], code: "ENODATA" };

function askFamily(resolver: Resolver, name: string, family: 4 | 6): Promise<FamilyAnswer> {
  return new Promise((resolve) => {
    const answered = (error: Error | null, records?: RecordWithTtl[]) =>
      resolve({
        records: (records ?? []).map(({ address, ttl }) => ({ address, family, ttlSeconds: ttl })),
        code: error ? codeOf(error) : "ENODATA",
      });
    if (family === 4) resolver.resolve4(name, { ttl: true }, answered);
    else resolver.resolve6(name, { ttl: true }, answered);
  });
}

/** An address of that family that leads beyond this machine and its own network. */
function hasIpv6(): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.some(({ family, internal, address }) => family === "IPv6" && !internal && !/^fe80/i.test(address));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "EUNKNOWN";
}
