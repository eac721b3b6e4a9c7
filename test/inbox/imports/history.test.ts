import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { signer as generic } from "../../fixtures/generic-sms/sign.ts";
import { signer as telnyx } from "../../fixtures/telnyx/sign.ts";
import { signer } from "../../fixtures/twilio/sign.ts";
import { restless, startTestBridge, type TestBridge } from "../../support/bridge.ts";
import { until } from "../../support/until.ts";

/** What a provider keeps, by its own list: Twilio's as its fixture has it. */
const { exchanges } = JSON.parse(readFileSync("test/fixtures/twilio/history/month.json", "utf8"));
let bridge: TestBridge;
let twilio: Server;
let mappingId: string;
let status: number | undefined;
/** What an answer waits for. */
let patience: Promise<void> | undefined;

beforeAll(async () => {
  twilio = createServer(async (req, res) => {
    if (req.url?.startsWith("/api.telnyx.com/")) return void res.end(JSON.stringify(askTelnyx(req.url)));
    await patience;
    const { pathname, search, searchParams } = new URL(req.url ?? "", "http://x");
    const found = exchanges.find(({ request: { url, query } }: (typeof exchanges)[number]) => {
      const asked = url.replace("https:/", "");
      if (asked.includes("?")) return asked === `${pathname}${search}`;
      const isSame = (name: string) => query[name] === undefined || query[name] === searchParams.get(name);
      return asked === pathname && ["To", "From"].every(isSame) && !searchParams.has("PageToken");
    });
    res.writeHead(status ?? 200, { "content-type": "application/json" });
    res.end(JSON.stringify(status === undefined ? found?.answer.body : { code: 20003, message: "Authenticate" }));
  });
  await new Promise<void>((resolve) => twilio.listen(0, "127.0.0.1", resolve));
  const providersUrl = `http://127.0.0.1:${(twilio.address() as AddressInfo).port}`;
  bridge = await startTestBridge({ config: { providersUrl }, tuning: restless });
  mappingId = await bridge.addMapping({ provider: "twilio", address: "+15005550006", credentials: signer.credentials });
});
beforeEach(() => {
  status = undefined;
});
afterAll(async () => {
  await bridge.stop();
  twilio.close();
});

const [asked, person] = ["+15005550020", "+15005550021"];
/** A day ago somebody wrote, and was answered. */
const dayAgo = (seconds: number) => new Date(Date.now() - 86_400_000 + seconds * 1000).toISOString();

function askTelnyx(path: string) {
  const { pathname, searchParams } = new URL(path, "http://x");
  const side = pathname.split("/").at(-1) ?? "";
  if (side === "detail_records") {
    const direction = searchParams.get("filter[direction]");
    const of = searchParams.get(direction === "inbound" ? "filter[cld]" : "filter[cli]");
    const found = { uuid: direction, created_at: dayAgo(0), status: "delivered", message_type: "SMS" };
    return { data: of === asked ? [found] : [], meta: { total_pages: 1 } };
  }
  const [from, to] = side === "inbound" ? [person, asked] : [asked, person];
  const sentAt = dayAgo(side === "inbound" ? 1 : 2);
  const parties = { from: { phone_number: from }, to: [{ phone_number: to }] };
  return { data: { ...parties, id: side, text: `of Telnyx, ${side}`, media: [], sent_at: sentAt } };
}

const whole = (id: number, state: string) =>
  until(
    () => bridge.admin("GET", `/imports/${id}`),
    ({ body }) => body.state === state,
  ).then(({ body }) => body);

test("a provider that refuses pauses the import, which goes on where it was; twice, all is there once", async () => {
  status = 401;
  const made = await bridge.admin("POST", "/imports/history", { mappingId, perSecond: 100 });
  expect(made.body).toMatchObject({ stage: "reading", source: "history", lines: 0 });
  expect(await whole(made.body.id, "paused")).toMatchObject({ reason: expect.stringContaining("401") });
  const told = { event: "import.paused", importId: made.body.id, mappingId, reason: "unauthorized" };
  expect(bridge.logLines).toContainEqual(expect.objectContaining(told));
  status = undefined;
  await bridge.admin("POST", `/imports/${made.body.id}/resume`);
  expect(await whole(made.body.id, "done")).toMatchObject({
    lines: 6,
    refused: 2,
    begun: 4,
    outcomes: { delivered: 4 },
  });
  const posted = () => bridge.sandbox.messages().map(({ direction, body, dateAdded }) => [direction, body, dateAdded]);
  expect(posted().slice(0, 3)).toEqual([
    ["inbound", "hi", "2024-01-30T09:30:00.000Z"],
    ["outbound", "Hello", "2024-01-30T09:40:00.000Z"],
    ["outbound", "Until five", "2024-01-30T09:40:00.000Z"],
  ]);
  const again = await bridge.admin("POST", "/imports/history", { mappingId });
  expect(await whole(again.body.id, "done")).toMatchObject({ duplicates: 4, begun: 0 });
  expect(posted()).toHaveLength(4);
});

test("of Telnyx each message is asked for by its id", async () => {
  const credentials = telnyx.sendCredentials;
  const telnyxMapping = await bridge.addMapping({ provider: "telnyx", address: asked, credentials });
  const made = await bridge.admin("POST", "/imports/history", { mappingId: telnyxMapping, perSecond: 100 });
  expect(await whole(made.body.id, "done")).toMatchObject({ lines: 2, refused: 0, outcomes: { delivered: 2 } });
  const told = bridge.sandbox.messages().filter(({ body }) => body.startsWith("of Telnyx"));
  expect(told.map(({ direction, body }) => [direction, body])).toEqual([
    ["inbound", "of Telnyx, inbound"],
    ["outbound", "of Telnyx, outbound"],
  ]);
});

test("a dry run reads all of it, and waits", async () => {
  const made = await bridge.admin("POST", "/imports/history", {
    mappingId,
    dryRun: true,
    from: "2024-01-01T00:00:00Z",
  });
  expect(await whole(made.body.id, "paused")).toMatchObject({ lines: 6, refused: 2, duplicates: 4, people: 0 });
  await bridge.admin("POST", `/imports/${made.body.id}/stop`);
});

test("a provider that does not answer keeps back no file", async () => {
  let answer = () => {};
  patience = new Promise((resolve) => {
    answer = resolve;
  });
  const slow = await bridge.admin("POST", "/imports/history", { mappingId });
  const about = { provider: "generic-sms", address: "+15005550018", credentials: generic.credentials };
  const other = await bridge.addMapping(about);
  const messages = [{ date: "2024-01-30T09:30:00Z", direction: "inbound", person: "+15005550177", text: "hi" }];
  const file = await bridge.admin("POST", "/imports", { mappingId: other, messages });
  await whole(file.body.id, "done");
  expect((await bridge.admin("GET", `/imports/${slow.body.id}`)).body).toMatchObject({ state: "running", lines: 0 });
  patience = undefined;
  answer();
  await whole(slow.body.id, "done");
});

test("a provider that lists nothing is refused at once", async () => {
  const other = { provider: "generic-sms", address: "+15005550019", credentials: generic.credentials };
  const { status: refused } = await bridge.admin("POST", "/imports/history", {
    mappingId: await bridge.addMapping(other),
  });
  expect(refused).toBe(422);
});

test.each([{ from: "2124-01-01T00:00:00Z" }, { from: "2024-02-01T00:00:00Z", until: "2024-01-01T00:00:00Z" }])(
  "times between which nothing lies are refused: %j",
  async (times) => {
    const answer = await bridge.admin("POST", "/imports/history", { mappingId, ...times });
    expect([answer.status, answer.body.detail]).toEqual([422, expect.stringMatching(/^from must be before until/)]);
  },
);
