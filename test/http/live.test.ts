import { randomBytes } from "node:crypto";
import { get, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { type LiveContext, liveOperations } from "../../src/http/admin/live.ts";
import type { Caller } from "../../src/http/caller.ts";
import { createLive, type Watch } from "../../src/observe/live/live.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { adminApiKey, startTestBridge, type TestBridge } from "../support/bridge.ts";
import { copyMigrated } from "../support/database.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { until } from "../support/until.ts";

const person = "+15005550006";
let database: Awaited<ReturnType<typeof copyMigrated>>;
/** Two processes on one database: what happens in the one is watched at the other. */
let worker: TestBridge;
let web: TestBridge;
let mapping: string;
const keys: Record<"own" | "other", string> = { own: "", other: "" };

beforeAll(async () => {
  database = await copyMigrated(inject);
  const shared = { databaseUrl: database.url };
  const config = { encryptionKeys: [randomBytes(32)] };
  web = await startTestBridge({ ...shared, config: { ...config, run: "web" } });
  worker = await startTestBridge({ ...shared, config });
  await worker.admin("PUT", "/locations/location-2", { name: "Other", token: "token-2" });
  const make = async (limits: object) => (await worker.admin("POST", "/keys", { name: "x", ...limits })).body.key;
  keys.own = await make({ access: "read", locationIds: [locationId] });
  keys.other = await make({ access: "read", locationIds: ["location-2"] });
  const sms = { provider: "generic-sms", address: "+15005550009", credentials: genericSms.credentials };
  mapping = await worker.addMapping({ ...sms, unknownSender: "hold" });
});
afterAll(async () => {
  await Promise.all([web.stop(), worker.stop()]);
  await database.drop();
});

interface Watching {
  status: number;
  items: Record<string, unknown>[];
  /** Resolves when the bridge has ended it. */
  ended: Promise<void>;
  hangUp(): void;
}

/** Resolves once it is watched. */
async function watch(url: string, key: string, query = ""): Promise<Watching> {
  const headers = { authorization: `Bearer ${key}` };
  // Each on a connection of its own, so that none is kept that the bridge would wait for.
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${url}/admin/live${query}`, { headers, agent: false }, resolve).on("error", reject);
  });
  const items: Watching["items"] = [];
  const read = async () => {
    let text = "";
    for await (const part of answer.setEncoding("utf8")) {
      text += part;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) if (event.startsWith("data: ")) items.push(JSON.parse(event.slice(6)));
    }
  };
  const ended = read().catch(() => undefined);
  return { status: answer.statusCode ?? 0, items, ended, hangUp: () => answer.destroy() };
}

const write = (id: string, to = "+15005550009") =>
  worker.post(
    genericSms.sign(
      {
        contentType: "application/json",
        body: { type: "message.received", data: { id, from: person, to, text: "hi" } },
      },
      { url: `${publicUrl}/webhooks/${mapping}`, at: new Date() },
    ),
  );

test("what happens in any process is told at each, to whom the API shows it", async () => {
  const own = await watch(web.url, keys.own);
  const other = await watch(web.url, keys.other);
  const admin = await watch(worker.url, adminApiKey, "?problems=true");
  // The other process learns by and by that somebody watches.
  let number = 0;
  await until(
    async () => {
      await write(`m-${number++}`);
      return own.items;
    },
    (items) => items.length > 0,
  );
  expect(own.items[0]).toMatchObject({
    ...{ what: "held", address: person, direction: "inbound", mappingId: mapping, locationId },
    messageId: expect.any(Number),
  });
  await write("to-nobody", "+15005550001");
  await until(
    () => admin.items,
    (items) => items.some(({ what }) => what === "failed"),
  );
  expect(admin.items.every(({ what }) => what === "held" || what === "failed")).toBe(true);
  await fetch(`${worker.url}/webhooks/${mapping}`, { method: "POST", body: "{}" });
  await until(
    () => admin.items,
    (items) => items.some(({ what, reason }) => what === "refused" && reason !== undefined),
  );
  expect(other.items).toEqual([]);
  for (const each of [own, other, admin]) each.hangUp();
});

test("a key has its share of watchers, who are counted as long as they listen", async () => {
  const many = await Promise.all(Array.from({ length: 20 }, () => watch(worker.url, keys.other)));
  expect(new Set(many.map(({ status }) => status))).toEqual(new Set([200]));
  expect((await watch(worker.url, keys.other)).status).toBe(429);
  expect((await watch(worker.url, keys.own, "?seconds=0.01")).status).toBe(200);
  for (const each of many) each.hangUp();
  await until(
    () => watch(worker.url, keys.other, "?seconds=0.01"),
    ({ status }) => status === 200,
  );
});

test("a process that stops hangs up on who watches", async () => {
  const own = await watch(web.url, keys.own);
  await web.halt();
  await own.ended;
});

const caller: Caller = { who: "admin", access: "read", locationIds: undefined, isToMapping: false, ids: {} };

async function openBy(
  context: object,
  by: Caller,
  query: Record<string, string> = {},
): Promise<{ stream: Readable; watching: Watch; end: ReturnType<typeof vi.fn> }> {
  const end = vi.fn();
  let watching: Watch | undefined;
  const watch = (given: Watch) => {
    watching = given;
    return end;
  };
  const live = { ...createLive({} as never), watch };
  const asked = { caller: by, query };
  const { body } = await liveOperations.watchLive.call({ live, ...context } as unknown as LiveContext, asked);
  if (!(body instanceof Readable) || !watching) throw new Error("nobody watches");
  return { stream: body, watching, end };
}

test("who does not read is hung up on, instead of being kept for", async () => {
  const { stream, watching, end } = await openBy({}, caller);
  const item = { what: "received" as const, at: "x", reason: "y".repeat(100_000) };
  const told = { item, locationIds: undefined };
  for (let turn = 0; turn < 9; turn++) watching.onTold([told], 0);
  expect(stream.destroyed).toBe(false);
  for (let turn = 0; turn < 3; turn++) watching.onTold([told], 0);
  expect(stream.destroyed).toBe(true);
  await until(
    () => end.mock.calls.length,
    (calls) => calls === 1,
  );
});

test("of many at once so many are told as can be read, of what is wanted, and the others are counted", async () => {
  const { stream, watching } = await openBy({}, caller);
  const own = await openBy({}, { ...caller, locationIds: ["ours"] });
  const troubled = await openBy({}, caller, { problems: "true" });
  const of = (locationId: string) => ({
    item: { what: "received" as const, at: locationId },
    locationIds: [locationId],
  });
  const told = [...Array.from({ length: 300 }, () => of("theirs")), of("ours")];
  watching.onTold(told, 5);
  own.watching.onTold(told, 5);
  troubled.watching.onTold(told, 5);
  const textOf = (each: Readable) => String(each.read());
  const [all, some] = [textOf(stream), textOf(own.stream)];
  expect(all.match(/^data: \{/gm)).toHaveLength(50);
  expect(all).toContain("event: missed\ndata: 256\n");
  expect(some.match(/^data: \{/gm)).toHaveLength(1);
  expect(some).toContain("event: missed\ndata: some\n");
  expect(textOf(troubled.stream)).toBe(": watching\n\nevent: missed\ndata: some\n\n");
  for (const each of [stream, own.stream, troubled.stream]) each.destroy();
});

test("what did not go as it should is told, however much goes as it should", async () => {
  const rows = { where: async () => [], innerJoin: () => rows };
  const live = createLive({ select: () => ({ from: () => rows }) } as never);
  const told: string[] = [];
  let missed = 0;
  const unwatch = live.watch({
    who: "somebody",
    onTold(some, more) {
      told.push(...some.map(({ item }) => item.what));
      missed += more;
    },
    onEnd: () => undefined,
  });
  const log = live.hear(() => undefined);
  const attempt = (state: string) => log("info", "delivery.attempted", { state });
  for (let time = 0; time < 1000; time++) attempt("delivered");
  attempt("dead");
  await until(
    () => told.length,
    (count) => count > 0,
  );
  expect([told.length, told.at(-1), missed]).toEqual([251, "dead", 750]);
  unwatch?.();
});

test("it ends with the key", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const nobody = { select: () => ({ from: () => ({ where: async () => [] }) }) };
    const { stream } = await openBy({ db: nobody }, { ...caller, who: "key 7" });
    const ended = stream.resume().toArray();
    vi.advanceTimersByTime(10_000);
    await ended;
  } finally {
    vi.useRealTimers();
  }
});
