import axios from "axios";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { adminApiKey } from "../support/bridge.ts";
import { copyMigrated, type TestDatabase } from "../support/database.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { providerOf } from "../support/providers.ts";
import { type RealInput, startRealInput } from "../support/real-input.ts";
import { until } from "../support/until.ts";

/** A number at WhatsApp may be the one by which the account was made, before its country's numbers were changed. */
let real: RealInput;
let own: TestDatabase;
beforeAll(async () => {
  own = await copyMigrated(inject);
  real = await startRealInput({ databaseUrl: own.url });
});
afterAll(async () => {
  await real.stop();
  await own.drop();
});

let count = 0;
/** Somebody new, by the number of today and by the one before. */
const newNumbers: Record<string, () => { today: string; former: string }> = {
  Brazil: () => {
    const digits = String(88_887_000 + ++count);
    return { today: `+55319${digits}`, former: `+5531${digits}` };
  },
  Mexico: () => {
    const digits = String(5_512_345_000 + ++count);
    return { today: `+52${digits}`, former: `+521${digits}` };
  },
};
const write = (from: string, id: string, more: Record<string, string> = {}) => {
  const to = real.way("twilio").address;
  const sms = { AccountSid: `AC${"0".repeat(31)}1`, Body: `The words of ${id}`, NumMedia: "0", SmsStatus: "received" };
  return real.receive("twilio", { ...sms, MessageSid: id, From: `whatsapp:${from}`, To: `whatsapp:${to}`, ...more });
};
const idOf = (what: string) => `SM${what}${String(++count).padStart(31, "0")}`;

describe.each(Object.keys(newNumbers))("a person of %s who writes by the number that was theirs", (country) => {
  const numbers = () => newNumbers[country]?.() ?? expect.unreachable(country);

  test.each(["today", "former"] as const)("is the contact who has that of %s in HighLevel", async (kept) => {
    const { today, former } = numbers();
    const known = real.addContact({ phone: { today, former }[kept] });
    const id = idOf("a");
    await write(former, id);
    expect((await real.posted(id)).contactId).toBe(known.id);
    const another = idOf("a");
    await write(today, another);
    expect((await real.posted(another)).contactId).toBe(known.id);
    expect((await real.bridge.admin("GET", `/messages?address=${encodeURIComponent(former)}`)).body.items).toHaveLength(
      2,
    );
  });

  test("is made a contact by that of today, and answered by the one that they wrote by last", async () => {
    const { today, former } = numbers();
    const ids = [idOf("b"), idOf("b")];
    await write(former, ids[0] ?? "");
    const { contactId } = await real.posted(ids[0] ?? "");
    expect(real.bridge.sandbox.contacts().find(({ id }) => id === contactId)?.phone).toBe(today);
    real.write(real.way("twilio"), contactId, `To the former ${ids[0]}`);
    expect((await real.sent(real.way("twilio"), `To the former ${ids[0]}`)).to).toEqual([`whatsapp:${former}`]);
    await write(today, ids[1] ?? "");
    await real.posted(ids[1] ?? "");
    real.write(real.way("twilio"), contactId, `To that of today ${ids[1]}`);
    expect((await real.sent(real.way("twilio"), `To that of today ${ids[1]}`)).to).toEqual([`whatsapp:${today}`]);
  });

  test("is not written to by either after a STOP, and is erased by either", async () => {
    const { today, former } = numbers();
    const id = idOf("c");
    await write(former, id, { Body: "STOP" });
    const { contactId } = await real.posted(id);
    const optOuts = (address: string) =>
      real.bridge.admin("GET", `/opt-outs?address=${encodeURIComponent(address)}`).then(({ body }) => body.items);
    expect((await optOuts(today)).length).toBeGreaterThan(0);
    expect(await optOuts(former)).toEqual(await optOuts(today));
    const written = real.write(real.way("twilio"), contactId, `Not to ${id}`);
    await until(
      () => real.bridge.sandbox.messages().find(({ messageId }) => messageId === written.messageId)?.status,
      (status) => status === "failed",
    );
    const { erased } = (await real.bridge.admin("DELETE", `/people/${encodeURIComponent(former)}`)).body;
    expect(erased.messages).toBeGreaterThanOrEqual(2);
    expect((await real.bridge.admin("GET", `/messages?address=${encodeURIComponent(today)}`)).body.items).toEqual([]);
  });

  test("is not written to after an operator has entered either, and is known by either where strangers are held", async () => {
    const { today, former } = numbers();
    const entered = await real.bridge.admin("PUT", "/opt-outs", { locationId, channel: "sms", address: former });
    expect([entered.status, entered.body.address]).toEqual([200, today]);
    const path = `/mappings/${real.way("twilio").mappingId}`;
    await real.bridge.admin("PATCH", path, { unknownSender: "hold" });
    const known = real.addContact({ phone: "+15005550388" });
    await real.bridge.admin("PUT", `${path}/conversations/${encodeURIComponent(former)}`, { contactId: known.id });
    for (const from of [today, former]) {
      const id = idOf("d");
      await write(from, id);
      expect((await real.posted(id)).contactId).toBe(known.id);
    }
    await real.bridge.admin("PATCH", path, { unknownSender: "create" });
  });

  test("is answered by the former one after a file named them by it", async () => {
    const { today, former } = numbers();
    const { mappingId } = real.way("twilio");
    const id = idOf("e");
    const row = { date: "2025-01-31T09:30:00Z", direction: "inbound", person: former, text: "Before", id };
    const headers = { authorization: `Bearer ${adminApiKey}`, "content-type": "application/x-ndjson" };
    const url = `${real.bridge.url}/admin/imports?mappingId=${mappingId}`;
    const { data: made } = await axios.post(url, JSON.stringify(row), { headers });
    // One import of a mapping at a time: the next country's would be refused before this one has ended.
    const ended = () => real.bridge.admin("GET", `/imports/${made.id}`);
    await until(ended, ({ body }) => body.state === "done");
    const { contactId } = await real.posted(id);
    expect(real.bridge.sandbox.contacts().find((each) => each.id === contactId)?.phone).toBe(today);
    real.write(real.way("twilio"), contactId, `After ${id}`);
    expect((await real.sent(real.way("twilio"), `After ${id}`)).to).toEqual([former]);
  });

  test("is first written to by the one that HighLevel has, then by the one that they wrote by", async () => {
    const { today, former } = numbers();
    const { id } = real.addContact({ phone: former });
    real.write(real.way("twilio"), id, `First to ${id}`);
    expect((await real.sent(real.way("twilio"), `First to ${id}`)).to).toEqual([former]);
    const written = idOf("9");
    await write(today, written);
    expect((await real.posted(written)).contactId).toBe(id);
    real.write(real.way("twilio"), id, `Then to ${id}`);
    expect((await real.sent(real.way("twilio"), `Then to ${id}`)).to).toEqual([`whatsapp:${today}`]);
  });
});

test("what the business sent elsewhere, calls and those of a group are of the person of today", async () => {
  const [today, former, other] = ["+5531988886101", "+553188886101", "+5215512346101"];
  const own = real.way("generic-sms").address;
  const sent = { id: "fn-sent", from: own, to: former, text: "From the phone" };
  await real.receive("generic-sms", { type: "message.sent", data: sent });
  await real.receive("sendblue", {
    ...{ message_handle: "fn-group", is_outbound: false, content: "To all", status: "RECEIVED" },
    ...{ from_number: today, to_number: real.way("sendblue").address, participants: [today, other] },
  });
  const call = { from: own, to: former, status: "completed", direction: "outbound" };
  await real.receive("generic-sms", { type: "call.ended", data: { ...call, id: "fn-call-out" } });
  const back = { ...call, from: former, to: own, direction: "inbound", id: "fn-call-in" };
  await real.receive("generic-sms", { type: "call.ended", data: back });
  const ids = ["fn-sent", "fn-group", "fn-call-out", "fn-call-in"];
  const posted = await Promise.all(ids.map((id) => real.posted(id)));
  expect(new Set(posted.map(({ contactId }) => contactId)).size).toBe(1);
  expect(posted[0]?.direction).toBe("outbound");
  const kept = await real.kept("sendblue", "fn-group");
  const { body } = await real.bridge.admin("GET", `/messages/${kept.id}`);
  expect(body.content.cc).toEqual(["+525512346101"]);
});

test("an SMS that waited does not go to the number by which the person wrote by WhatsApp meanwhile", async () => {
  const { mappingId } = real.way("twilio");
  const [today, former] = ["+5531988886301", "+553188886301"];
  const { id: contactId } = real.addContact({ phone: today });
  await real.bridge.admin("POST", `/mappings/${mappingId}/pause`);
  real.write(real.way("twilio"), contactId, "An SMS that waited");
  await until(
    () => real.bridge.admin("GET", `/messages?address=${encodeURIComponent(today)}`),
    ({ body }) => body.items.length === 1,
  );
  await write(former, idOf("f"));
  await real.bridge.admin("POST", `/mappings/${mappingId}/resume`);
  expect((await real.sent(real.way("twilio"), "An SMS that waited")).to).toEqual([today]);
});

test("a list of opt-outs that has a person by both of their numbers is kept", async () => {
  const optOuts = ["+553188886201", "+5531988886201"].map((address) => ({ address }));
  const { status, body } = await real.bridge.admin("POST", "/opt-outs/import", { locationId, channel: "sms", optOuts });
  expect([status, body]).toEqual([200, { dryRun: false, rows: 2, created: 1 }]);
});

test("what waits in a conversation that is kept by a former number still is not sent after an opt-out", async () => {
  const { mappingId } = real.way("twilio");
  const [today, former] = ["+5531988886001", "+553188886001"];
  const { id: contactId } = real.addContact({ phone: today });
  await real.bridge.admin("POST", `/mappings/${mappingId}/pause`);
  const written = real.write(real.way("twilio"), contactId, "After all");
  await until(
    () => real.bridge.admin("GET", `/messages?address=${encodeURIComponent(today)}`),
    ({ body }) => body.items.length === 1,
  );
  const { db, close } = await openDatabase({ url: own.url, poolSize: 1, startSeconds: 5 });
  await db.execute(sql`update conversations set address = ${former} where address = ${today}`);
  await close();
  await real.bridge.admin("PUT", "/opt-outs", { locationId, channel: "sms", address: today });
  await real.bridge.admin("POST", `/mappings/${mappingId}/resume`);
  await until(
    () => real.bridge.sandbox.messages().find(({ messageId }) => messageId === written.messageId)?.status,
    (status) => status === "failed",
  );
  expect(real.way("twilio").standIn.sent.some(({ text }) => text === "After all")).toBe(false);
});

test("a mapping that stands for such a number still gets what is written to it", async () => {
  const [ours, from] = ["+553188880009", "+5531988880008"];
  const { credentials } = providerOf("generic-sms").signer;
  const id = await real.bridge.addMapping({ provider: "generic-sms", address: ours, credentials });
  const body = { type: "message.received", data: { id: "to-former", from, to: ours, text: "Olá" } };
  const url = `${publicUrl}/webhooks/${id}`;
  const { signer } = providerOf("generic-sms");
  await real.bridge.post(signer.sign({ contentType: "application/json", body }, { url, at: new Date() }));
  expect((await real.posted("to-former")).body).toBe("Olá");
});
