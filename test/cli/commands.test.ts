import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { widthOf } from "../../src/cli/escape.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import type { Io } from "../../src/cli/session.ts";
import { signer } from "../fixtures/generic-sms/sign.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { adminApiKey, startTestBridge, type TestBridge, untilPosted } from "../support/bridge.ts";
import { locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";
import { newFolder, run } from "./run.ts";

const own = "+15005550009";
const person = "+15005550006";
const hostile = "Hi \u001b[2J\u001b]0;owned\u0007 \u202etxt.exe\nsecond line";

let bridge: TestBridge;
let mappingId: string;
let strangers: string;
/** A key of location 1 for reading. */
let reader: string;
const folder = newFolder();
const signedElsewhere = { provider: "telnyx", credentials: telnyx.credentials, address: "+15005550030" };

const as = (key: string) => ({ env: { BRIDGE_URL: bridge.url, BRIDGE_KEY: key }, configFolder: folder });
const cli = (...args: string[]) => run(args, as(adminApiKey));
const read = async (...args: string[]) => JSON.parse((await cli(...args, "--json")).out);

const post = (mapping: string, data: Record<string, unknown>) =>
  bridge.post(
    signer.sign(
      { contentType: "application/json", body: { type: "message.received", data } },
      { url: `${publicUrl}/webhooks/${mapping}`, at: new Date() },
    ),
  );

beforeAll(async () => {
  bridge = await startTestBridge();
  const sms = { provider: "generic-sms", credentials: signer.credentials };
  mappingId = await bridge.addMapping({ ...sms, address: own });
  strangers = await bridge.addMapping({ ...sms, address: "+15005550010", unknownSender: "hold" });
  reader = (await bridge.admin("POST", "/keys", { name: "Reports", access: "read", locationIds: [locationId] })).body
    .key;
  bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/messages/inbound", status: 503, times: 1 }]);
  await post(mappingId, { id: "m-1", from: person, to: own, text: hostile });
  await untilPosted(bridge, 1);
  await post(strangers, { id: "m-2", from: person, to: "+15005550010", text: "held" });
  await post(mappingId, { id: "m-3", from: person, to: "+15005550077", text: "for nobody" });
  await until(
    () => read("problems"),
    ({ items }) => items.length === 2,
  );
});
afterAll(async () => {
  await bridge?.stop();
  rmSync(folder, { recursive: true });
});

describe("what is printed", () => {
  test("is a table of 80 columns at most where stdout is no terminal", async () => {
    for (const list of ["messages", "mappings", "locations", "keys"]) {
      const { code, out, err } = await cli(list, "list");
      expect([code, err]).toEqual([0, ""]);
      expect(Math.max(...out.split("\n").map(widthOf)), out).toBeLessThanOrEqual(80);
      expect(out.split("\n").length).toBeGreaterThan(2);
    }
    expect((await cli("mappings", "list")).out).toContain(mappingId);
  });

  test("is the API's answer with --json", async () => {
    const answer = (await bridge.admin("GET", "/mappings?limit=50")).body;
    expect(await read("mappings", "list")).toEqual(answer);
    expect(await read("mappings", "list", "--limit", "1")).toMatchObject({ nextCursor: expect.any(String) });
  });

  test("commands no terminal, whatever people have written", async () => {
    const { out } = await cli("messages", "show", "m-1");
    expect(out).toContain("\\u001b[2J\\u001b]0;owned\\u0007 \\u202etxt.exe\\nsecond line");
    const json = (await cli("messages", "show", "m-1", "--json")).out;
    expect(JSON.parse(json).content.text).toBe(hostile);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
    for (const text of [out, json]) expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });
});

describe("messages", () => {
  test("are shown as a story, by whatever names them", async () => {
    const { items } = await read("messages", "list", "--mapping", mappingId);
    const [{ id, highlevelMessageId }] = items;
    const { out } = await cli("messages", "show", String(id));
    expect(out).toMatch(/Webhook \d+ was read\n/);
    expect(out).toMatch(/\+[\d.]+ m?s {2}Post to HighLevel, attempt 1: unavailable, 503 in [\d.]+ m?s: /);
    expect(out).toMatch(/Post to HighLevel: done, after a look by altId whether it was there, 20\d in \d+ ms/);
    expect(out.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /gm)?.toSorted()).toEqual(
      out.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /gm),
    );
    expect(await cli("messages", "show", highlevelMessageId)).toMatchObject({ code: 0, out });
    expect((await cli("messages", "show", "(500) 555-0006")).out).toMatch(/^ID .*\n(.*\n){2}$/);
    expect(await cli("messages", "show", "no-such-id")).toMatchObject({
      code: 1,
      err: "nothing that this key reaches is called no-such-id\n  bridge messages list\n",
    });
  });

  test("are found by time", async () => {
    expect((await read("messages", "list", "--since", "1h")).items).toHaveLength(2);
    expect((await cli("messages", "list", "--until", "2020-01-01T00:00:00Z")).out).toBe("No message fits.\n");
    expect(await cli("messages", "list", "--since", "yesterday")).toMatchObject({
      code: 2,
      err: expect.stringContaining("yesterday is no time"),
    });
  });
});

describe("problems", () => {
  test("are named by reason and mapping, with what to do", async () => {
    const { items } = await read("problems");
    expect(items).toMatchObject([
      { filter: { kind: "post-inbound", reason: "unknown_sender", mappingId: strangers }, count: 1 },
      { of: "webhooks", filter: { accountId: mappingId, reason: "no mapping for" }, count: 1 },
    ]);
    const { code, out } = await cli("problems");
    expect(code).toBe(0);
    expect(out).toContain(`1 dead post-inbound, unknown_sender, of ${strangers}\n`);
    expect(out).toContain(`bridge replay --kind post-inbound --reason unknown_sender --mapping ${strangers}\n`);
    expect(out).toContain(`bridge replay --webhooks provider --reason 'no mapping for' --account ${mappingId}\n`);
    expect((await cli("problems", "--mapping", strangers)).out).not.toContain("webhook");
  });

  test("are replayed one by one, and all that fit after a question", async () => {
    const { items } = await read("problems");
    const webhook = items.find(({ of }: { of: string }) => of === "webhooks").example.id;
    expect(await cli("replay", "--webhook", String(webhook))).toMatchObject({
      code: 0,
      out: "It is on its way again.\n",
    });
    await until(
      () => read("problems"),
      (found) => found.items.length === 2,
    );
    const fits = ["replay", "--reason", "unknown_sender", "--since", "2h"];
    expect(await cli(...fits)).toMatchObject({ code: 2, err: expect.stringMatching(/1 post-inbound\? .*--yes/) });
    const asked: string[] = [];
    const answering = (answer: string) => ({
      ...as(adminApiKey),
      ask: async (question: string) => {
        asked.push(question);
        return answer;
      },
    });
    expect(await run(fits, answering("n"))).toMatchObject({ code: 1, err: "nothing was done\n" });
    expect(await run(fits, answering("y"))).toMatchObject({
      code: 0,
      out: expect.stringContaining("on the way again"),
    });
    expect(asked).toEqual(["Replay 1 post-inbound? [y/N] ", "Replay 1 post-inbound? [y/N] "]);
    await until(
      () => read("problems"),
      (found) => found.items.length === 2,
    );
    expect(await cli("replay", "m-2", "--yes")).toMatchObject({ code: 0 });
    expect(await cli("replay", "m-1", "--yes")).toMatchObject({ code: 1, err: expect.stringContaining("is dead") });
    expect(await cli("replay", "--webhooks", "highlevel")).toMatchObject({
      code: 1,
      err: "nothing that failed fits\n  bridge problems\n",
    });
    const [{ id }] = (await read("replays", "list")).items;
    expect((await cli("replays", "show", String(id))).out).toMatch(/is done: 1 of 1 .*\n.* dead again/);
    expect(await cli("replays", "stop", String(id))).toMatchObject({
      code: 1,
      err: expect.stringContaining("is done"),
    });
  });
});

describe("mappings", () => {
  test("are added, edited, rotated and removed", async () => {
    const credentials = join(folder, "credentials.json");
    writeFileSync(credentials, JSON.stringify(signer.credentials));
    const add = ["mappings", "add", "--provider", "generic-sms", "--address", "+15005550011", "--location", locationId];
    const fields = ["--conversation-provider", smsProviderId, "--set", "unknownSender=hold", "stripQuoted=true"];
    const made = await read(...add, ...fields, "--credentials", credentials);
    expect(made).toMatchObject({ address: "+15005550011", unknownSender: "hold", stripQuoted: true });
    expect(await read("mappings", "edit", made.id, "--name", "Desk", "--set", "unknownSender=create")).toMatchObject({
      name: "Desk",
      unknownSender: "create",
    });
    const capped = ["mappings", "edit", made.id, "--set", "timeZone=Europe/Vienna"];
    expect(await read(...capped, "dailyCap=200")).toMatchObject({ dailyCap: 200 });
    for (const wrong of ["2OO", ""])
      expect(await cli(...capped, `dailyCap=${wrong}`)).toMatchObject({
        code: 1,
        err: expect.stringContaining("dailyCap"),
      });
    expect(await read("mappings", "show", made.id)).toMatchObject({ dailyCap: 200 });
    expect(await read(...capped, "dailyCap=null")).toMatchObject({ dailyCap: null });
    expect(await read("mappings", "pause", made.id)).toMatchObject({ id: made.id, pausedAt: expect.any(String) });
    expect(await read("mappings", "resume", made.id)).toMatchObject({ id: made.id, pausedAt: null });
    expect(await cli("mappings", "edit", made.id)).toMatchObject({
      code: 2,
      err: expect.stringContaining("nothing to change"),
    });
    const both = JSON.stringify([signer.foreignCredentials, signer.credentials]);
    const rotated = await run(["mappings", "rotate", made.id, "--credentials", "-"], {
      ...as(adminApiKey),
      readStdin: async () => both,
    });
    expect(rotated).toMatchObject({ code: 0, out: expect.stringContaining("/webhooks/highlevel/") });
    expect(await cli("mappings", "remove", made.id)).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
    expect(await cli("mappings", "remove", made.id, "--yes")).toMatchObject({ code: 0 });
    expect(await cli("mappings", "show", made.id)).toMatchObject({
      code: 1,
      err: expect.stringContaining("there is no mapping"),
    });
  });

  test("say what is wrong with a field, and nothing of what a file of credentials holds", async () => {
    const wrong = await cli(
      "mappings",
      "add",
      "--provider",
      "generic-sms",
      "--address",
      "nobody",
      "--location",
      locationId,
    );
    expect(wrong).toMatchObject({
      code: 1,
      err: expect.stringMatching(/refused it, 422: .*\n {2}credentials is required/),
    });
    const given = { ...as(adminApiKey), readStdin: async () => '{ "secret": whsec_1234 }' };
    const broken = await run(["mappings", "rotate", mappingId, "--credentials", "-"], given);
    expect(broken).toMatchObject({ code: 2, err: "stdin holds no JSON\n" });
  });

  test("are imported after a dry run", async () => {
    const account = (
      await bridge.admin("POST", "/accounts", {
        provider: "generic-sms",
        credentials: signer.credentials,
        locationIds: [locationId],
      })
    ).body;
    const file = join(folder, "mappings.csv");
    writeFileSync(
      file,
      `address,locationId,conversationProviderId\n+15005550021,${locationId},${smsProviderId}\n+15005550022,${locationId},${smsProviderId}\n`,
    );
    const command = ["mappings", "import", file, "--account", account.id];
    expect(await cli(...command)).toMatchObject({ code: 2, err: expect.stringMatching(/^2 rows: make 2, change 0\?/) });
    expect(await cli(...command, "--yes")).toMatchObject({ code: 0, out: "Made 2, changed 0.\n" });
    expect(await cli(...command, "--yes")).toMatchObject({ code: 0, out: "Made 0, changed 2.\n" });
    writeFileSync(file, "address,locationId\nnowhere,\n");
    expect(await cli(...command, "--yes")).toMatchObject({ code: 1, err: expect.stringContaining("line 2") });
  });
});

test("locations are shown, checked, resumed and given another token", async () => {
  bridge.sandbox.putLocation({ id: "location-2", token: "token-2", providers: [] });
  const typed = { ...as(adminApiKey), readStdin: async () => "token-2\n" };
  expect(await run(["locations", "reconnect", "location-2", "--name", "Second"], typed)).toMatchObject({ code: 0 });
  expect((await cli("locations", "show", "location-2")).out).toMatch(/connected by +token\n/);
  expect((await cli("locations", "resume", "location-2")).code).toBe(0);
  expect(await cli("locations", "check", locationId)).toMatchObject({
    code: 0,
    out: expect.stringContaining("ok    token: "),
  });
  expect((await cli("locations", "list", "--paused")).out).toBe("No location is paused.\n");
});

test("keys are made, which are shown once, and revoked", async () => {
  const { id, key } = await read("keys", "add", "Partner", "--access", "write", "--location", locationId);
  expect(await run(["mappings", "list"], as(key))).toMatchObject({ code: 0 });
  expect((await cli("keys", "list")).out).not.toContain(key);
  expect(await cli("keys", "revoke", String(id), "--yes")).toMatchObject({ code: 0 });
  expect(await run(["mappings", "list"], as(key))).toMatchObject({
    code: 1,
    err: expect.stringContaining("\n  bridge login\n"),
  });
});

describe("doctor", () => {
  test("looks at all, and fails for what is wrong", async () => {
    const { state, checks } = await read("doctor");
    const stateOf = Object.fromEntries(checks.map(({ check, state: each }: Record<string, string>) => [check, each]));
    expect(stateOf).toMatchObject({ bridge: "ok", worker: "ok", clock: "ok", settings: "ok", database: "ok" });
    expect([state, (await cli("doctor")).code]).toEqual(
      Object.values(stateOf).includes("failure") ? ["failure", 1] : ["ok", 0],
    );
    expect(checks.some(({ check }: { check: string }) => check.startsWith(`generic-sms ${own}`))).toBe(true);
  });

  test("says what it could not look at with an integrator's key", async () => {
    const { out } = await run(["doctor", "--mapping", mappingId], as(reader));
    expect(out).toContain("skip  settings: for ADMIN_API_KEY alone\n");
    expect(out).toContain(`generic-sms ${own}`);
    expect(out).not.toContain("+15005550010");
  });

  test("says that no bridge answers, or that none takes the key", async () => {
    const nowhere = { BRIDGE_URL: "http://127.0.0.1:9", BRIDGE_KEY: "x" };
    const { code, out } = await run(["doctor"], { env: nowhere });
    expect([code, out]).toEqual([1, expect.stringContaining("FAIL  bridge: no bridge answers at http://127.0.0.1:9")]);
    const there = await run(["doctor"], { env: { ...nowhere, PUBLIC_URL: "bridge.example.com" } });
    expect(there.out).toMatch(
      /FAIL {2}settings: PUBLIC_URL must be a URL.*\n.*\nFAIL {2}settings: ADMIN_API_KEY is not set/,
    );
    const noKey = await run(["doctor"], as("another-key"));
    expect(noKey).toMatchObject({ code: 1, out: expect.stringContaining("FAIL  key: ") });
  });
});

describe("which bridge is asked", () => {
  const login = (io: Partial<Io>) => run(["login", bridge.url], { configFolder: folder, ...io });

  test("is kept by login for its owner alone, and forgotten by logout", async () => {
    expect(await login({ readStdin: async () => "wrong-key\n" })).toMatchObject({ code: 1 });
    expect(await login({ readStdin: async () => `${adminApiKey}\n` })).toMatchObject({ code: 0, err: "" });
    expect(statSync(join(folder, "login.json")).mode & 0o777).toBe(0o600);
    expect(await run(["keys", "list"], { configFolder: folder })).toMatchObject({ code: 0 });
    const half = await run(["keys", "list"], {
      configFolder: folder,
      env: { BRIDGE_URL: "https://other.example.com" },
    });
    expect(half).toMatchObject({ code: 2, err: "BRIDGE_KEY is not set: set both, or neither\n  bridge login\n" });
    expect(await run(["logout"], { configFolder: folder })).toMatchObject({ code: 0 });
    expect(await run(["keys", "list"], { configFolder: folder })).toMatchObject({
      code: 2,
      err: expect.stringContaining("bridge login"),
    });
  });

  test.each([[["messages"]], [["frobnicate"]], [["messages", "list", "--colour"]], [["mappings", "rotate", "x"]]])(
    "does not matter where it is used wrongly: %j",
    async (args) => {
      expect(await cli(...args)).toMatchObject({ code: 2, out: "", err: expect.stringMatching(/\w/) });
    },
  );

  test("does not matter for help", async () => {
    expect(await run(["--help"])).toMatchObject({ code: 0, err: "", out: expect.stringContaining("doctor") });
  });
});

describe("send-test", () => {
  test("follows a message of the mapping's own provider into HighLevel", async () => {
    const { code, out, err } = await cli("send-test", mappingId, "--from", "(500) 555-0123", "--yes");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^ *\d+ ms {2}webhook \d+ to \+15005550009: made, signed, verified and stored\n/);
    expect(out).toMatch(
      / {2}read, as message \d+\n.* {2}post-inbound: delivered 20\d in .*\n.* {2}in HighLevel, as \S+\n$/,
    );
    const { items } = await read("messages", "list", "--address", "+15005550123");
    expect(items).toHaveLength(1);
  });

  test("has it say what a fixture says, in whatever script", async () => {
    const { code, err } = await cli("send-test", mappingId, "--from", "+15005550125", "--fixture", "unicode", "--yes");
    expect([code, err]).toEqual([0, ""]);
    const posted = bridge.sandbox.messages().at(-1);
    expect(posted?.body).toMatch(/^A test of the bridge, \S+\nGrüße, שלום, 你好, 👩\u200d🚀$/u);
    const none = await cli("send-test", mappingId, "--from", "+15005550125", "--fixture", "nothing", "--yes");
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining("fixture") });
  });

  test("ends with 1 where the message does not arrive, and says why", async () => {
    const held = await cli("send-test", strangers, "--from", "+15005550124", "--yes");
    expect(held).toMatchObject({
      code: 1,
      out: expect.stringContaining("post-inbound is dead, as it was unknown_sender"),
    });
    const { id } = (
      await bridge.admin("POST", "/mappings", { ...signedElsewhere, locationId, conversationProviderId: smsProviderId })
    ).body;
    const refused = await cli("send-test", id, "--from", "+15005550124", "--yes");
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining("only Telnyx can sign its webhooks: write to"),
    });
    const reading = await run(["send-test", mappingId, "--from", "+15005550124", "--yes"], as(reader));
    expect(reading).toMatchObject({ code: 1, err: expect.stringContaining("403") });
    expect((await cli("send-test", mappingId, "--from", "ann@example.org", "--yes")).err).toContain("from must be");
  });
});

test("openapi prints the API's document, in which the commands' operations are", async () => {
  const { code, out } = await cli("openapi");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    openapi: expect.stringMatching(/^3\.1/),
    paths: { "/admin/mappings/{id}/send-test": {} },
  });
});

test("tail tells what comes, and what is given up, until Ctrl+C", async () => {
  const stop = new AbortController();
  let [out, err] = ["", ""];
  const tailing = runCli(["tail", "--mapping", strangers], {
    ...{ ...as(adminApiKey), columns: undefined, ask: undefined, readStdin: async () => "", signal: stop.signal },
    write: (text) => {
      out += text;
    },
    complain: (text) => {
      err += text;
    },
  });
  await until(
    () => err,
    (said) => said.includes("Waiting"),
  );
  await post(strangers, { id: "m-9", from: "+15005550044", to: "+15005550010", text: "news" });
  await until(
    () => out,
    (said) => /from \+15005550044 .* held\n/.test(said),
  );
  stop.abort();
  expect(await tailing).toBe(0);
  const ended = await run(["problems"], { ...as(adminApiKey), signal: stop.signal });
  expect(ended).toMatchObject({ code: 1, err: "ended before it was done\n" });
});
