import axios from "axios";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signer } from "../../fixtures/generic-sms/sign.ts";
import { type Answer, adminApiKey, startTestBridge, type TestBridge, untilPosted } from "../../support/bridge.ts";
import { requireFit } from "../../support/fits-document.ts";
import { publicUrl } from "../../support/location.ts";
import { until } from "../../support/until.ts";

/** What was before the bridge, as a file. */
let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge();
});
afterAll(() => bridge.stop());

let number = 9000;
/** A mapping of its own for each test, and what came into HighLevel of it. */
async function newNumber(settings: Record<string, unknown> = {}) {
  const address = `+1500555${++number}`;
  const about = { provider: "generic-sms", address, credentials: signer.credentials, ...settings };
  const mappingId = await bridge.addMapping(about);
  const before = bridge.sandbox.messages().length;
  return { mappingId, address, posted: () => bridge.sandbox.messages().slice(before) };
}

async function post(query: string, body: string | Buffer, contentType = "text/csv"): Promise<Answer> {
  const path = `/admin/imports?${query}`;
  const headers = { authorization: `Bearer ${adminApiKey}`, "content-type": contentType };
  const {
    status,
    data,
    headers: got,
  } = await axios.post(`${bridge.url}${path}`, body, {
    headers,
    validateStatus: () => true,
  });
  const answer = { status, body: data, headers: got as Record<string, string> };
  requireFit("POST", path, answer);
  return answer;
}
const ended = (id: number) =>
  until(
    () => bridge.admin("GET", `/imports/${id}`),
    ({ body }) => body.state === "done" || body.state === "stopped",
  ).then(({ body }) => body);
const isPaused = (id: number) =>
  until(
    () => bridge.admin("GET", `/imports/${id}`),
    ({ body }) => body.state === "paused",
  ).then(({ body }) => body);
const lines = (rows: Record<string, unknown>[]) => rows.map((row) => JSON.stringify(row)).join("\n");
const person = () => `+1500556${++number}`;
const at = (day: number, hour = 9) => new Date(Date.UTC(2024, 0, day, hour)).toISOString();

async function live(mappingId: string, data: Record<string, unknown>): Promise<void> {
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  const answer = await bridge.post(signer.sign(sample, { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() }));
  expect(answer.status).toBe(200);
}

test("a CSV is posted as it was: each person's oldest first, in its direction, with its date; twice, it is there once", async () => {
  const { mappingId, posted } = await newNumber();
  const [ann, bob] = [person(), person()];
  const csv = [
    "date,direction,person,text,id,name",
    `${at(2)},outbound,${ann},"Hello, Ann",m-2,`,
    `${at(1)},inbound,${ann},hi,m-1,Ann`,
    `${at(3)},inbound,${bob},same,,`,
    `${at(3)},inbound,${bob},same,,`,
    `${at(1)},inbound,${ann},hi,m-1,Ann`,
    `yesterday,sideways,${ann},x,,`,
    `${at(1)},inbound,+1 500 555 ext 3,x,,`,
    `${at(1)},inbound,${ann},,,`,
  ].join("\n");
  const first = await post(`mappingId=${mappingId}&perSecond=100`, csv);
  expect(first.status).toBe(201);
  expect(first.body).toMatchObject({ lines: 8, refused: 3, duplicates: 1, people: 2, knownPeople: 0 });
  expect(first.body.firstRefused).toEqual([
    { line: 7, reason: expect.stringMatching(/^date: must be a time.*; direction: must be inbound/) },
    { line: 8, reason: "person: is no phone number, or the id of a chat" },
    { line: 9, reason: "text: says nothing: text, html or attachments are needed" },
  ]);
  expect(await ended(first.body.id)).toMatchObject({ begun: 4, outcomes: { delivered: 4, dead: 0 }, state: "done" });
  const of = (body: string) => posted().filter((message) => message.body === body);
  expect(posted().map(({ body }) => body)).toHaveLength(4);
  expect(posted().findIndex(({ body }) => body === "hi")).toBeLessThan(
    posted().findIndex(({ body }) => body === "Hello, Ann"),
  );
  expect(of("Hello, Ann")[0]).toMatchObject({ direction: "outbound", dateAdded: at(2), altId: "m-2" });
  expect(of("hi")[0]).toMatchObject({ direction: "inbound", dateAdded: at(1), altId: "m-1" });
  expect(of("same").map(({ altId }) => altId)).toEqual([
    expect.stringMatching(/^import-/),
    expect.stringMatching(/-2$/),
  ]);

  const again = await post(`mappingId=${mappingId}`, csv);
  expect(again.body).toMatchObject({ lines: 8, refused: 3, duplicates: 5, people: 0 });
  expect(await ended(again.body.id)).toMatchObject({ begun: 0 });
  expect(posted()).toHaveLength(4);
});

test("what came live is not doubled, nor what comes live after it was imported", async () => {
  const { mappingId, address, posted } = await newNumber();
  const ann = person();
  await live(mappingId, { id: "live-1", from: ann, to: address, text: "live" });
  await until(posted, (messages) => messages.length === 1);
  const rows = [
    { date: at(1), direction: "inbound", person: ann, text: "live", id: "live-1" },
    { date: at(2), direction: "inbound", person: ann, text: "past", id: "past-1" },
  ];
  const { body } = await post(`mappingId=${mappingId}`, lines(rows), "application/x-ndjson");
  expect(body).toMatchObject({ duplicates: 1, people: 1, knownPeople: 1 });
  await ended(body.id);
  await live(mappingId, { id: "past-1", from: ann, to: address, text: "past" });
  await live(mappingId, { id: "live-2", from: ann, to: address, text: "next" });
  await until(posted, (messages) => messages.some((message) => message.body === "next"));
  expect(posted().map((message) => message.body)).toEqual(["live", "past", "next"]);
});

test("a dry run posts nothing until it is resumed; it is paused, and stopped for good", async () => {
  const { mappingId, posted } = await newNumber();
  const rows = Array.from({ length: 30 }, (_, index) => ({
    ...{ date: at(1 + (index % 20)), direction: "inbound", person: person(), text: `past ${index}` },
  }));
  const made = await bridge.admin("POST", "/imports", { mappingId, dryRun: true, perSecond: 1, messages: rows });
  const { id } = made.body;
  const tried = await isPaused(id);
  expect(tried).toMatchObject({ people: 30, newPeople: 30, begun: 0, notes: expect.any(Array) });
  expect((await bridge.admin("POST", "/imports", { mappingId, messages: rows })).status).toBe(409);
  expect(posted()).toEqual([]);
  expect((await bridge.admin("POST", `/imports/${id}/resume`)).body.state).toBe("running");
  await until(posted, (messages) => messages.length > 0);
  expect((await bridge.admin("POST", `/imports/${id}/pause`)).body).toMatchObject({
    state: "paused",
    reason: "by admin",
  });
  expect((await bridge.admin("POST", `/imports/${id}/pause`)).status).toBe(409);
  expect((await bridge.admin("POST", `/imports/${id}/stop`)).body.state).toBe("stopped");
  expect((await bridge.admin("POST", `/imports/${id}/resume`)).status).toBe(409);
  const { begun } = (await bridge.admin("GET", `/imports/${id}`)).body;
  const { outcomes } = await until(
    () => bridge.admin("GET", `/imports/${id}`),
    ({ body }) => body.outcomes.pending === 0,
  ).then(({ body }) => body);
  expect(outcomes.delivered).toBe(begun);
  expect(posted()).toHaveLength(begun);
});

test("a dry run asks HighLevel which people it knows, and changes nothing there", async () => {
  const { mappingId, address, posted } = await newNumber();
  const [ann, bob, carl] = [person(), person(), person()];
  await live(mappingId, { id: `known-${ann}`, from: ann, to: address, text: "live" });
  await until(posted, (messages) => messages.length === 1);
  const headers = { authorization: "Bearer token-location-1", version: "2021-07-28" };
  await axios.post(`${bridge.sandboxUrl}/contacts/`, { locationId: "location-1", phone: bob }, { headers });
  const contacts = bridge.sandbox.contacts().length;
  const rows = [ann, bob, carl, "id:chat-1"].flatMap((each) =>
    [1, 2].map((day) => ({ date: at(day), direction: "inbound", person: each, text: `past ${day}` })),
  );
  const { body } = await bridge.admin("POST", "/imports", { mappingId, dryRun: true, messages: rows });
  expect(await isPaused(body.id)).toMatchObject({
    people: 4,
    knownPeople: 1,
    matchedPeople: 1,
    newPeople: 2,
    begun: 0,
  });
  expect(bridge.sandbox.contacts()).toHaveLength(contacts);
  await bridge.admin("POST", `/imports/${body.id}/resume`);
  expect(await ended(body.id)).toMatchObject({ begun: 8, state: "done" });
  expect(bridge.sandbox.contacts()).toHaveLength(contacts + 2);
});

test("a dry run asks page by page, and each person once", async () => {
  const { mappingId } = await newNumber();
  const rows = Array.from({ length: 50 }, () => ({
    ...{ date: at(1), direction: "inbound", person: person(), text: "past" },
  }));
  const { body } = await bridge.admin("POST", "/imports", { mappingId, dryRun: true, messages: rows });
  expect(await isPaused(body.id)).toMatchObject({ stage: "posting", people: 50, matchedPeople: 0, newPeople: 50 });
  await bridge.admin("POST", `/imports/${body.id}/stop`);
});

test("a dry run that HighLevel does not answer says so, and can be let go on before it has asked for all", async () => {
  const { mappingId } = await newNumber();
  const rows = [{ date: at(1), direction: "inbound", person: person(), text: "past" }];
  bridge.sandbox.setFaults([{ kind: "status", status: 503, path: "/contacts/search/duplicate" }]);
  const { body } = await bridge.admin("POST", "/imports", { mappingId, dryRun: true, messages: rows });
  const waiting = await until(
    () => bridge.admin("GET", `/imports/${body.id}`),
    (shown) => shown.body.reason !== null,
  );
  bridge.sandbox.setFaults([]);
  expect(waiting.body).toMatchObject({ state: "running", stage: "matching", newPeople: 0 });
  expect(waiting.body.reason).toMatch(/^HighLevel was asked who of the people it knows: .*503/);
  expect((await bridge.admin("POST", `/imports/${body.id}/resume`)).body).toMatchObject({ stage: "posting" });
  expect(await ended(body.id)).toMatchObject({ begun: 1, state: "done", matchedPeople: 0, newPeople: 0 });
});

test("a dry run of a mapping that makes no contacts asks for nobody", async () => {
  const { mappingId } = await newNumber({ unknownSender: "ignore" });
  const rows = [{ date: at(1), direction: "inbound", person: person(), text: "past" }];
  const { body } = await bridge.admin("POST", "/imports", { mappingId, dryRun: true, messages: rows });
  expect(body).toMatchObject({ state: "paused", people: 1, knownPeople: 0, newPeople: 0 });
  await bridge.admin("POST", `/imports/${body.id}/stop`);
});

test("what is unread is set back, and what came live meanwhile stays unread", async () => {
  const { mappingId, address, posted } = await newNumber();
  const ann = person();
  await live(mappingId, { id: `u-${ann}`, from: ann, to: address, text: "unread before" });
  const [first] = await until(posted, (messages) => messages.length === 1);
  const conversationId = first?.conversationId ?? "";
  const unread = async () => {
    const headers = { authorization: "Bearer token-location-1", version: "2021-04-15" };
    const { data } = await axios.get(`${bridge.sandboxUrl}/conversations/${conversationId}`, { headers });
    return data.unreadCount;
  };
  expect(await unread()).toBe(1);
  const rows = [1, 2, 3].map((day) => ({ date: at(day), direction: "inbound", person: ann, text: `past ${day}` }));
  const { body } = await post(`mappingId=${mappingId}&perSecond=1`, lines(rows), "application/x-ndjson");
  await until(posted, (messages) => messages.length === 2);
  await live(mappingId, { id: `v-${ann}`, from: ann, to: address, text: "live" });
  await ended(body.id);
  expect(posted()).toHaveLength(5);
  expect(await unread()).toBe(2);
});

test("what came live before a dry run went on is counted once, and not where somebody has read it", async () => {
  const { mappingId, address, posted } = await newNumber();
  const [ann, bob] = [person(), person()];
  const rows = [ann, bob].map((each) => ({ date: at(1), direction: "inbound", person: each, text: "past" }));
  const { body } = await bridge.admin("POST", "/imports", { mappingId, dryRun: true, messages: rows });
  for (const [index, from] of [ann, ann, bob].entries())
    await live(mappingId, { id: `w-${from}-${index}`, from, to: address, text: `live ${from}` });
  await until(
    () => bridge.admin("GET", `/messages?mappingId=${mappingId}&deliveryState=delivered`),
    ({ body: { items } }) => items.length === 3,
  );
  const headers = { authorization: "Bearer token-location-1", version: "2021-04-15" };
  const urlOf = (who: string) => {
    const conversationId = posted().find((message) => message.body === `live ${who}`)?.conversationId ?? "";
    return `${bridge.sandboxUrl}/conversations/${conversationId}`;
  };
  await axios.put(urlOf(bob), { locationId: "location-1", unreadCount: 0 }, { headers });
  await bridge.admin("POST", `/imports/${body.id}/resume`);
  await ended(body.id);
  const unread = async (who: string) => (await axios.get(urlOf(who), { headers })).data.unreadCount;
  expect([await unread(ann), await unread(bob)]).toEqual([2, 0]);
});

test("a STOP of before counts where it is the newest word, and an import lifts nothing", async () => {
  const { mappingId, address, posted } = await newNumber();
  const [stopped, back, standing, later] = [person(), person(), person(), person()];
  await bridge.admin("PUT", "/opt-outs", { locationId: "location-1", channel: "sms", address: standing });
  await live(mappingId, { id: `s-${later}`, from: later, to: address, text: "START" });
  await until(posted, (messages) => messages.length === 1);
  const say = (day: number, who: string, text: string) => ({ date: at(day), direction: "inbound", person: who, text });
  const rows = [
    ...[say(1, stopped, "START"), say(2, stopped, "Stop!"), say(3, stopped, "why")],
    ...[say(1, back, "STOP"), say(2, back, "start")],
    ...[say(1, standing, "start"), say(1, later, "stop")],
  ];
  const { body } = await post(`mappingId=${mappingId}&perSecond=100`, lines(rows), "application/x-ndjson");
  await ended(body.id);
  expect(posted()).toHaveLength(8);
  const optOut = async (address: string) =>
    (await bridge.admin("GET", `/opt-outs?address=${encodeURIComponent(address)}`)).body.items;
  expect(await optOut(stopped)).toMatchObject([{ cause: "word", optedOutAt: at(2), liftedAt: null }]);
  expect(await optOut(back)).toEqual([]);
  expect(await optOut(standing)).toMatchObject([{ cause: "operator", liftedAt: null }]);
  expect(await optOut(later)).toEqual([]);
});

test("a STOP of before does not count where the person has said START since to another number, live or before", async () => {
  const [first, second] = [await newNumber(), await newNumber()];
  const [live1, before] = [person(), person()];
  await live(second.mappingId, { id: `b-${live1}`, from: live1, to: second.address, text: "START" });
  await until(second.posted, (messages) => messages.length === 1);
  const say = (day: number, who: string, text: string) => ({ date: at(day), direction: "inbound", person: who, text });
  const importRows = async (mappingId: string, messages: object[]) =>
    ended((await bridge.admin("POST", "/imports", { mappingId, perSecond: 100, messages })).body.id);
  await importRows(second.mappingId, [say(3, before, "start")]);
  const both = [say(2, live1, "stop"), say(2, before, "stop")];
  expect(await importRows(first.mappingId, both)).toMatchObject({ begun: 2 });
  for (const address of [live1, before])
    expect((await bridge.admin("GET", `/opt-outs?address=${encodeURIComponent(address)}`)).body.items).toEqual([]);
  // A newer STOP counts, and no import takes it back.
  await importRows(first.mappingId, [say(5, before, "stop")]);
  await importRows(second.mappingId, [say(6, before, "start")]);
  const { body } = await bridge.admin("GET", `/opt-outs?address=${encodeURIComponent(before)}`);
  expect(body.items).toMatchObject([{ optedOutAt: at(5), liftedAt: null }]);
});

test("one that is stopped amid several people sets back what is unread of each", async () => {
  const { mappingId, address, posted } = await newNumber();
  const people = [person(), person(), person()];
  for (const ann of people) await live(mappingId, { id: `x-${ann}`, from: ann, to: address, text: "unread" });
  await until(posted, (messages) => messages.length === people.length);
  const messages = people.flatMap((ann) =>
    Array.from({ length: 50 }, (_, index) => ({
      ...{ date: at(1, 0), direction: "inbound", person: ann, text: `past ${index}` },
    })),
  );
  const { body } = await bridge.admin("POST", "/imports", { mappingId, perSecond: 20, messages });
  await until(
    posted,
    (all) => new Set(all.filter(({ body: text }) => text !== "unread").map((m) => m.contactId)).size > 1,
  );
  await bridge.admin("POST", `/imports/${body.id}/stop`);
  const headers = { authorization: "Bearer token-location-1", version: "2021-04-15" };
  const unread = async ({ conversationId }: { conversationId: string }) =>
    (await axios.get(`${bridge.sandboxUrl}/conversations/${conversationId}`, { headers })).data.unreadCount;
  const live1 = posted().filter(({ body: text }) => text === "unread");
  await until(
    () => Promise.all(live1.map(unread)),
    (counts) => counts.every((count) => count === 1),
  );
  const { outcomes } = (await bridge.admin("GET", `/imports/${body.id}`)).body;
  expect(outcomes).toMatchObject({ pending: 0, dead: 0 });
});

test.each(["hold", "ignore"])(
  "strangers whom a mapping by %s does not let in are refused, by their lines, and their STOP counts",
  async (unknownSender) => {
    const { mappingId } = await newNumber({ unknownSender });
    const [ann, bob] = [person(), person()];
    const say = (day: number, who: string, text: string) => ({
      date: at(day),
      direction: "inbound",
      person: who,
      text,
    });
    const rows = [say(1, ann, "hi"), say(2, ann, "stop"), say(1, bob, "stop"), say(2, bob, "start")];
    const { body } = await post(`mappingId=${mappingId}&perSecond=100`, lines(rows), "application/x-ndjson");
    expect(await ended(body.id)).toMatchObject({ refused: 4, begun: 0 });
    const refused = await bridge.admin("GET", `/imports/${body.id}/refused`);
    const reason = expect.stringContaining("unknownSender is not create");
    expect(refused.body.items).toEqual([1, 2, 3, 4].map((line) => ({ line, reason })));
    const optOuts = async (who: string) =>
      (await bridge.admin("GET", `/opt-outs?address=${encodeURIComponent(who)}`)).body.items;
    expect(await optOuts(ann)).toMatchObject([{ cause: "word", optedOutAt: at(2), liftedAt: null }]);
    expect(await optOuts(bob)).toEqual([]);
  },
);

test.each([
  ["", "text/csv", /holds no messages/],
  ['date,direction\n"', "text/csv", /no CSV/],
  ["date,direction,person,date\n1,2,3,4", "text/csv", /stands in it twice/],
])("a file that is none is refused as a whole: %j", async (file, type, detail) => {
  const { mappingId } = await newNumber();
  const answer = await post(`mappingId=${mappingId}`, file, type);
  expect([answer.status, answer.body.detail]).toEqual([422, expect.stringMatching(detail)]);
});

test.each([
  ["apart by semicolons", (csv: string) => csv.replaceAll(",", ";")],
  ["apart by tabs", (csv: string) => csv.replaceAll(",", "\t")],
  ["as Excel says it", (csv: string) => `sep=;\r\n${csv.replaceAll(",", ";").replaceAll("\n", "\r\n")}`],
  ["with lines that end by CR alone", (csv: string) => csv.replaceAll("\n", "\r")],
  ["with a mark of UTF-8", (csv: string) => `\uFEFF\n${csv}`],
  ["in UTF-16", (csv: string) => Buffer.from(`\uFEFF${csv}`, "utf16le")],
  ["in UTF-16 the other way", (csv: string) => Buffer.from(`\uFEFF${csv}`, "utf16le").swap16()],
  ["in Windows-1252 that says so", (csv: string) => Buffer.from(csv, "latin1"), "text/csv; charset=windows-1252"],
])("a CSV %s is read", async (_, write, type = "text/csv") => {
  const { mappingId, posted } = await newNumber();
  const csv = `date,direction,person,text\n${at(1)},inbound,${person()},Grüße\n\n${at(2)},inbound,${person()},é\n`;
  const { body } = await post(`mappingId=${mappingId}&perSecond=100`, write(csv), type);
  expect(body).toMatchObject({ lines: 2, refused: 0 });
  await ended(body.id);
  expect(
    posted()
      .map((message) => message.body)
      .toSorted(),
  ).toEqual(["Grüße", "é"]);
});

test.each([
  ["cells that may be apart by two", "date,direction;person\n", "text/csv", 422, /commas alone/],
  ["bytes that are no UTF-8", Buffer.from("date,text\n1,Grüße", "latin1"), "text/csv", 422, /charset=windows-1252/],
  ["UTF-16 without a mark", Buffer.from("date,text\n", "utf16le"), "text/csv", 422, /UTF-16/],
  ["a charset that there is not", "date\n", "text/csv; charset=x-none", 415, /charset/],
])("%s are refused, and it is said what would be read", async (_, file, type, status, detail) => {
  const { mappingId } = await newNumber();
  const answer = await post(`mappingId=${mappingId}`, file, type);
  expect([answer.status, answer.body.detail]).toEqual([status, expect.stringMatching(detail)]);
});

test("a file of columns or of blank lines without end is refused before others wait for it", async () => {
  const { mappingId } = await newNumber();
  const wide = Array.from({ length: 60_000 }, (_, index) => index).join(",");
  const { body: columns } = await post(`mappingId=${mappingId}`, wide);
  expect(columns.detail).toMatch(/more than 200 columns/);
  const blank = await post(`mappingId=${mappingId}`, `{}${"\n".repeat(200_000)}{}`, "application/x-ndjson");
  expect(blank.body.detail).toMatch(/more than 100000 lines/);
});

test("a name is the person's also where it stands beside what was sent to them", async () => {
  const { mappingId, posted } = await newNumber();
  const row = { direction: "outbound", person: person(), name: "Ann" };
  const messages = [1, 2].map((day) => ({ ...row, date: at(day), text: `sent ${day}` }));
  const { body } = await bridge.admin("POST", "/imports", { mappingId, perSecond: 100, messages });
  await ended(body.id);
  const [sent] = posted();
  expect(bridge.sandbox.contacts().find(({ id }) => id === sent?.contactId)?.name).toBe("Ann");
});

test("a number that a spreadsheet has cut is nobody's, and a mapping that has calls alone takes no messages", async () => {
  const { mappingId } = await newNumber();
  const csv = ["date,direction,person,text", `${at(1)},inbound,1.50056E+10,x`, `${at(1)},inbound,"1,50056E+10",x`];
  const { body } = await post(`mappingId=${mappingId}&dryRun=true`, csv.join("\n"));
  expect(body).toMatchObject({ lines: 2, refused: 2, people: 0 });
  const calls = await newNumber({ type: "Call", callProviderId: "provider-calls" });
  const messages = [{ date: at(1), direction: "inbound", person: person(), text: "hi" }];
  const refused = await bridge.admin("POST", "/imports", { mappingId: calls.mappingId, messages });
  expect([refused.status, refused.body.detail]).toEqual([422, expect.stringContaining("calls alone")]);
  expect((await bridge.admin("GET", `/mappings/${calls.mappingId}`)).body.type).toBe("Call");
});

test("one whose mapping is deleted stops, keeps what it has posted, and leaves a line", async () => {
  const { mappingId, posted } = await newNumber();
  const ann = person();
  const messages = Array.from({ length: 30 }, (_, index) => ({
    ...{ date: at(1, index), direction: "inbound", person: ann, text: `amid ${index}` },
  }));
  const { body } = await bridge.admin("POST", "/imports", { mappingId, perSecond: 3, messages });
  await until(posted, (all) => all.length > 0);
  await bridge.admin("DELETE", `/mappings/${mappingId}`);
  const reason = "its mapping was deleted or moved";
  expect(await ended(body.id)).toMatchObject({ state: "stopped", reason });
  const line = { event: "import.stopped", level: "warn", importId: body.id, mappingId, reason };
  expect(bridge.logLines).toContainEqual(expect.objectContaining(line));
});

test("rows of empty cells say nothing, and a time may be written as databases write it", async () => {
  const { mappingId, posted } = await newNumber();
  const ann = person();
  const times = [
    "2024-01-31 09:30:00+00",
    "2024-01-31T10:31:00.5+0100",
    "2024-01-31 09:32 UTC",
    "2024-01-31t09:33:00z",
  ];
  const rows = times.map((time, index) => `${time},inbound,${ann},${index}`);
  const wrong = ["2024-01-31 09:30", "2024-02-30 09:30Z", "01/31/2024 09:30Z", "1706693400", "2024-01-31T09:30+1"];
  const refused = wrong.map((time) => `${time},inbound,${ann},x`);
  const csv = ["date,direction,person,text", ",,,", ...rows, " , ,, ", ...refused, ",,,"].join("\n");
  const { body } = await post(`mappingId=${mappingId}&perSecond=100`, csv);
  expect(body).toMatchObject({ lines: times.length + wrong.length, refused: wrong.length });
  expect(body.firstRefused[0]).toEqual({
    line: 8,
    reason: expect.stringMatching(/^date: must be a time with its zone/),
  });
  await ended(body.id);
  const minutes = [30, 31, 32, 33].map((minute) => `2024-01-31T09:${minute}:00.${minute === 31 ? "5" : "0"}00Z`);
  expect(posted().map(({ dateAdded }) => dateAdded)).toEqual(minutes);
});

test("a first line that names nothing, and a cell that cannot be read, are not repeated", async () => {
  const { mappingId } = await newNumber();
  const row = `${at(1)},inbound,${person()},secret words`;
  for (const csv of [`${row}\n${row}`, `date,direction,person,text\n${row} "so"`]) {
    const { status, body } = await post(`mappingId=${mappingId}`, csv);
    expect([status, body.detail]).toEqual([
      422,
      expect.stringMatching(/names? the columns: it lacks date|a quote is found/),
    ]);
    const [kept] = (await bridge.admin("GET", "/imports?limit=1")).body.items;
    expect(kept).toMatchObject({ state: "stopped", reason: body.detail });
    expect(JSON.stringify([body, kept])).not.toContain("secret");
  }
  const { body } = await post(`mappingId=${mappingId}`, "[{}]", "application/x-ndjson");
  expect(body.detail).toMatch(/^this is a list in JSON: give each/);
});

test("of a paused mapping nothing is begun, and the reason says so", async () => {
  const { mappingId, posted } = await newNumber();
  await bridge.admin("POST", `/mappings/${mappingId}/pause`);
  const messages = [{ date: at(1), direction: "inbound", person: person(), text: "hi" }];
  const { body } = await bridge.admin("POST", "/imports", { mappingId, messages });
  const waits = await until(
    () => bridge.admin("GET", `/imports/${body.id}`),
    (answer) => answer.body.reason !== null,
  );
  expect(waits.body).toMatchObject({ state: "running", begun: 0, reason: "it waits: its mapping is paused" });
  await bridge.admin("POST", `/mappings/${mappingId}/resume`);
  expect(await ended(body.id)).toMatchObject({ begun: 1, reason: null });
  expect(posted()).toHaveLength(1);
});

test("what stands for the number anew, by another account too, has what the former mapping had", async () => {
  const { mappingId, address, posted } = await newNumber();
  const ann = person();
  const messages = [1, 2].map((day) => ({ date: at(day), direction: "inbound", person: ann, text: `past ${day}` }));
  const first = await bridge.admin("POST", "/imports", { mappingId, perSecond: 100, messages: messages.slice(0, 1) });
  await ended(first.body.id);
  await bridge.admin("DELETE", `/mappings/${mappingId}`);
  const about = { provider: "generic-sms", address, credentials: signer.credentials };
  const again = await bridge.addMapping(about);
  const second = await bridge.admin("POST", "/imports", { mappingId: again, perSecond: 100, messages });
  expect(await ended(second.body.id)).toMatchObject({ duplicates: 1, begun: 1 });
  expect(posted().map((message) => message.body)).toEqual(["past 1", "past 2"]);
});

test("a line that cannot be read is refused, and keeps back no other", async () => {
  const { mappingId } = await newNumber();
  const good = JSON.stringify({ date: at(1), direction: "inbound", person: person(), text: "hi" });
  const bad = ['{"a":', "[".repeat(100), "{}", '{"date":1,"extra":2}', good.replace('"hi"', '"\\u0000"')];
  const { body } = await post(`mappingId=${mappingId}`, [good, ...bad, "", good].join("\n"), "application/x-ndjson");
  expect(body).toMatchObject({ lines: 7, refused: 5 });
  expect(body.firstRefused.map(({ line }: { line: number }) => line)).toEqual([2, 3, 4, 5, 6]);
  await ended(body.id);
});

test("what waits of a person is erased with the person", async () => {
  const { mappingId } = await newNumber();
  const ann = person();
  const rows = [1, 2].map((day) => ({ date: at(day), direction: "inbound", person: ann, text: `secret ${day}` }));
  const { body } = await bridge.admin("POST", "/imports", { mappingId, dryRun: true, messages: rows });
  expect((await bridge.admin("DELETE", `/people/${ann}`)).status).toBe(200);
  await bridge.admin("POST", `/imports/${body.id}/resume`);
  expect(await ended(body.id)).toMatchObject({ begun: 0, state: "done" });
});

test("an email is posted with its html, by the mailbox that it was for", async () => {
  const { mappingId, posted } = await newNumber({
    ...{ provider: "generic-email", address: "*@shop.example", conversationProviderId: "provider-email-extra" },
  });
  const row = { date: at(1), direction: "inbound", person: "Ann@example.org", subject: "Order", html: "<p>hi</p>" };
  const rows = [{ ...row, mailbox: "sales@shop.example" }, row];
  const { body } = await post(`mappingId=${mappingId}`, lines(rows), "application/x-ndjson");
  expect(body).toMatchObject({ refused: 1, firstRefused: [{ line: 2, reason: expect.stringContaining("mailbox") }] });
  await ended(body.id);
  expect(posted()).toMatchObject([
    { subject: "Order", html: "<p>hi</p>", emailFrom: "ann@example.org", emailTo: "sales@shop.example" },
  ]);
  await untilPosted(bridge, 1);
});
