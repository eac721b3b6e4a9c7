import { pbkdf2 } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Answer, createAskName, NameError } from "../../src/calls/ask-name.ts";
import { createCallApi } from "../../src/calls/call-api.ts";
import { createHostsFile } from "../../src/calls/hosts-file.ts";
import { nameLimits } from "../../src/calls/limits.ts";
import { createResolveName } from "../../src/calls/resolve-name.ts";
import type { Failure } from "../../src/errors.ts";
import { type NameServer, startNameServer } from "../support/name-server.ts";

let server: NameServer;
beforeAll(async () => {
  server = await startNameServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.names.clear();
  server.asked.length = 0;
});

const failureOf = (work: Promise<unknown>): Promise<Failure> =>
  work.then(
    () => expect.unreachable("it should have failed"),
    (error: Failure) => error,
  );
const ask = () => createAskName({ useSystem: false, nameServers: [server.address] });

describe("a name", () => {
  test("is asked of the name servers, with its time to live", async () => {
    server.names.set("api.example.com", { addresses: ["192.0.2.1", "192.0.2.2"], ttlSeconds: 60 });
    expect(await ask()("api.example.com")).toMatchObject({
      addresses: [
        { address: "192.0.2.1", family: 4 },
        { address: "192.0.2.2", family: 4 },
      ],
      ttlSeconds: 60,
    });
  });

  test("has at most so many addresses", async () => {
    const addresses = Array.from({ length: 20 }, (_, index) => `192.0.2.${index}`);
    server.names.set("many.example.com", { addresses, ttlSeconds: 60 });
    expect((await ask()("many.example.com")).addresses).toHaveLength(nameLimits.maxAddresses);
  });

  test.each(["localhost", "x.localhost"])("of this machine is never asked of others: %s", async (name) => {
    expect((await ask()(name)).addresses).toContainEqual({ address: "127.0.0.1", family: 4 });
    expect(server.asked).toEqual([]);
  });

  test("of this network is asked of the system, where the operator names the host", async () => {
    const found = createAskName({ useSystem: true, nameServers: [server.address] })("no-such-host-here");
    await expect(found).rejects.toBeInstanceOf(NameError);
    expect(server.asked).toEqual([]);
  });

  test("fails by what the name servers say", async () => {
    server.names.set("broken.example.com", "broken");
    await expect(ask()("broken.example.com")).rejects.toMatchObject({ code: "ESERVFAIL" });
    await expect(ask()("none.example.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
  });

  test("that names have no letters for fails as any other", async () => {
    await expect(ask()(`${"a".repeat(70)}.example.com`)).rejects.toBeInstanceOf(Error);
  });
});

describe("a name server that keeps silent", () => {
  test("ends the call as unreachable, in a time of its own", async () => {
    server.names.set("silent.example.com", "silent");
    const call = createCallApi({ timeoutSeconds: 60, maxSockets: 4, guard: "public", nameServers: [server.address] });
    const failure = await failureOf(
      call({ method: "POST", url: "https://silent.example.com/", headers: {}, body: {} }),
    );
    expect(failure).toMatchObject({ reason: "unreachable", message: "no connection (ETIMEOUT)" });
    call.close();
  });

  test("holds none of the four threads that files and passwords need", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `silent-${index}.example.com`);
    for (const name of names) server.names.set(name, "silent");
    const resolve = createResolveName(ask());
    let ended = 0;
    const lookups = names.map((name) =>
      resolve(name)
        .catch(() => {})
        .finally(() => ended++),
    );
    await Promise.all(names.map(() => promisify(pbkdf2)("x", "y", 1, 32, "sha256")));
    expect(ended).toBe(0);
    await Promise.all(lookups);
  });
});

describe("an answer", () => {
  const answer = (address: string, ttlSeconds = 60): Answer => ({ addresses: [{ address, family: 4 }], ttlSeconds });
  const silence = () => Promise.reject(new NameError("x", "ETIMEOUT"));
  let now = 0;
  beforeEach(() => {
    now = 1000;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    return () => vi.restoreAllMocks();
  });
  const first = async (found: Promise<{ address: string }[]>) => (await found)[0]?.address;

  test("serves all who ask at once and as long as its TTL says, within limits", async () => {
    let asked = 0;
    const ttls = [60, 0, 86_400];
    const resolve = createResolveName(async () => answer("192.0.2.1", ttls[asked++]));
    await Promise.all([resolve("a.example"), resolve("A.example"), resolve("a.example.")]);
    expect(asked).toBe(1);
    now += 59_000;
    await resolve("a.example");
    expect(asked).toBe(1);
    now += 2000;
    await resolve("a.example");
    now += nameLimits.minTtlMs - 1;
    await resolve("a.example");
    expect(asked).toBe(2);
    now += 2;
    await resolve("a.example");
    now += nameLimits.maxTtlMs - 1;
    await resolve("a.example");
    expect(asked).toBe(3);
    now += 2;
    await resolve("a.example");
    expect(asked).toBe(4);
  });

  test("serves on while no name server answers, for an hour", async () => {
    const answers = [async () => answer("192.0.2.1"), silence, silence, async () => answer("192.0.2.2")];
    const resolve = createResolveName(() => answers.shift()?.() ?? silence());
    expect(await first(resolve("a.example"))).toBe("192.0.2.1");
    now += 61_000;
    expect(await first(resolve("a.example"))).toBe("192.0.2.1");
    now += nameLimits.failedMs + 1;
    expect(await first(resolve("a.example"))).toBe("192.0.2.1");
    now += nameLimits.failedMs + 1;
    expect(await first(resolve("a.example"))).toBe("192.0.2.2");
    now += nameLimits.maxStaleMs + 61_000;
    await expect(resolve("a.example")).rejects.toMatchObject({ code: "ETIMEOUT" });
  });

  test("is gone at once when the name is", async () => {
    const answers = [async () => answer("192.0.2.1"), () => Promise.reject(new NameError("x", "ENOTFOUND")), silence];
    const resolve = createResolveName(() => answers.shift()?.() ?? silence());
    await resolve("a.example");
    now += 61_000;
    await expect(resolve("a.example")).rejects.toMatchObject({ code: "ENOTFOUND" });
    now += nameLimits.failedMs + 1;
    await expect(resolve("a.example")).rejects.toMatchObject({ code: "ETIMEOUT" });
  });

  test("is kept for so many names and no more: then the oldest is forgotten", async () => {
    const asked: string[] = [];
    const resolve = createResolveName(async (name) => {
      asked.push(name);
      return answer("192.0.2.1");
    });
    for (let index = 0; index <= nameLimits.maxNames; index++) await resolve(`${index}.example`);
    asked.length = 0;
    await resolve(`${nameLimits.maxNames}.example`);
    await resolve("0.example");
    expect(asked).toEqual(["0.example"]);
  });
});

describe("a public name", () => {
  test("that means this machine or network is not called, nor one of whose addresses a single one does", async () => {
    let calls = 0;
    const within = createServer((_req, res) => {
      calls++;
      res.end("secret");
    });
    await new Promise<void>((resolve) => within.listen(0, "127.0.0.1", resolve));
    const url = `http://rebinding.example.com:${(within.address() as AddressInfo).port}/`;
    for (const addresses of [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"], ["10.0.0.1"]]) {
      server.names.set("rebinding.example.com", { addresses, ttlSeconds: 0 });
      const call = createCallApi({ timeoutSeconds: 9, maxSockets: 4, guard: "public", nameServers: [server.address] });
      expect((await failureOf(call({ method: "GET", url, headers: {} }))).reason).toBe("misconfigured");
      call.close();
    }
    expect(calls).toBe(0);
    within.close();
  });

  test("is connected to at the very addresses that were checked: it is not looked up again", async () => {
    server.names.set("once.example.com", { addresses: ["198.51.100.7"], ttlSeconds: 0 });
    const call = createCallApi({ timeoutSeconds: 0.5, maxSockets: 4, guard: "public", nameServers: [server.address] });
    await failureOf(call({ method: "GET", url: "http://once.example.com/", headers: {} }));
    expect(server.asked).toEqual(["once.example.com"]);
    call.close();
  });
});

describe("the hosts file", () => {
  test("is heeded, and read again when it has changed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hosts-"));
    const path = join(folder, "hosts");
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    writeFileSync(path, "# all\n192.0.2.1\tA.example b # both\n::1 b\nnonsense a.example\n");
    const find = createHostsFile(path);
    expect(find("a.example")).toEqual([{ address: "192.0.2.1", family: 4 }]);
    expect(find("b")).toEqual([
      { address: "192.0.2.1", family: 4 },
      { address: "::1", family: 6 },
    ]);
    writeFileSync(path, "192.0.2.22 a.example\n");
    now += 6000;
    expect(find("a.example")).toEqual([{ address: "192.0.2.22", family: 4 }]);
    await rm(folder, { recursive: true });
    now += 6000;
    expect(find("a.example")).toEqual([]);
    vi.restoreAllMocks();
  });
});
