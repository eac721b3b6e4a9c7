import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer as mailgun } from "../fixtures/mailgun/sign.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { type Answer, startTestBridge, type TestBridge, unchecked, untilPosted } from "../support/bridge.ts";
import { locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";

const second = "location-2";
const providerOf2 = "provider-sms-2";
let bridge: TestBridge;

beforeAll(async () => {
  bridge = await startTestBridge();
  bridge.sandbox.putLocation({
    id: second,
    token: "token-2",
    providers: [{ id: providerOf2, channel: "sms", extra: true }],
  });
  await bridge.admin("PUT", `/locations/${second}`, { name: "Second", token: "token-2" });
});
afterAll(() => bridge.stop());

async function makeAccount(given: Record<string, unknown> = {}): Promise<string> {
  const made = await bridge.admin("POST", "/accounts", {
    ...{ provider: "telnyx", credentials: telnyx.sendCredentials, locationIds: [locationId, second] },
    ...given,
  });
  expect([made.status, made.body]).toMatchObject([201, { webhookUrl: `${publicUrl}/webhooks/${made.body.id}` }]);
  return made.body.id;
}

let counter = 0;
async function text(accountId: string, to: string, from = "+15005550006", credentials?: unknown): Promise<string> {
  const id = randomUUID();
  const payload = {
    ...{ record_type: "message", direction: "inbound", id, type: "SMS", text: `text ${++counter} to ${to}`, media: [] },
    ...{ from: { phone_number: from }, to: [{ phone_number: to, status: "webhook_delivered" }], cc: [] },
  };
  const body = { data: { record_type: "event", id: randomUUID(), event_type: "message.received", payload } };
  const url = `${publicUrl}/webhooks/${accountId}`;
  const options = { url, at: new Date(), ...(credentials ? { credentials } : {}) };
  const answer = await bridge.post(telnyx.sign({ contentType: "application/json", body }, options));
  expect(answer.status).toBe(200);
  return id;
}

const posted = (altId: string) => bridge.sandbox.messages().filter((message) => message.altId === altId);
const untilArrived = (altId: string) =>
  until(
    () => posted(altId),
    (found) => found.length > 0,
  );
const numberAt = (index: number) => `+1500555${String(1000 + index).padStart(4, "0")}`;
const keyFor = async (locationIds: string[]) =>
  (await bridge.admin("POST", "/keys", { name: "integrator", access: "write", locationIds })).body.key as string;
async function by(key: string, method: string, path: string, body?: unknown) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fetch(`${bridge.url}/admin${unchecked(method, path)}`, init);
  return { status: answer.status, body: answer.status === 204 ? undefined : ((await answer.json()) as Answer["body"]) };
}

describe("one account, 300 numbers, two locations", () => {
  let accountId = "";
  const rows = Array.from({ length: 300 }, (_, index) => ({
    address: numberAt(index),
    ...(index % 2 === 0
      ? { locationId, conversationProviderId: smsProviderId }
      : { locationId: second, conversationProviderId: providerOf2 }),
  }));

  test("are mapped by one import of CSV, after a dry run that keeps nothing", async () => {
    accountId = await makeAccount();
    const csv = ["address,locationId,conversationProviderId"]
      .concat(rows.map((row) => [row.address, row.locationId, row.conversationProviderId].join(",")))
      .join("\r\n");
    const imported = async (query: string, body = csv) => {
      const answer = await fetch(`${bridge.url}/admin/mappings/import?accountId=${accountId}${query}`, {
        method: "POST",
        headers: { authorization: `Bearer ${await keyFor([locationId, second])}`, "content-type": "text/csv" },
        body,
      });
      return { status: answer.status, body: (await answer.json()) as Answer["body"] };
    };
    const wrong = await imported("", `${csv}\r\n+15005551001,${second},x\r\n+1500,${second},x\r\n+15005559998,,x`);
    expect(wrong).toMatchObject({ status: 422, body: { errors: expect.any(Array) } });
    expect(wrong.body.errors.map(({ path }: { path: string }) => path)).toEqual([
      "line 302: address",
      "line 303: address",
      "line 304: locationId",
    ]);
    expect(await imported("&dryRun=true")).toMatchObject({ status: 200, body: { dryRun: true, created: 300 } });
    expect((await bridge.admin("GET", `/mappings?accountId=${accountId}`)).body.items).toEqual([]);
    expect(await imported("")).toMatchObject({ status: 200, body: { created: 300, updated: 0 } });
    expect(await imported("")).toMatchObject({ status: 200, body: { created: 0, updated: 300 } });
  });

  test("a text to each arrives at its location, once", async () => {
    const sent = await Promise.all(rows.map(async (row) => ({ ...row, id: await text(accountId, row.address) })));
    await untilPosted(bridge, 300, 60);
    for (const { id, ...row } of sent) {
      const [message, another] = await untilArrived(id);
      expect([message, another]).toMatchObject([
        { locationId: row.locationId, conversationProviderId: row.conversationProviderId },
        undefined,
      ]);
    }
  });

  test("one credential is rotated once for all, and the old one counts no more", async () => {
    const rotated = await bridge.admin("PATCH", `/accounts/${accountId}`, {
      credentials: [telnyx.foreignCredentials, telnyx.credentials],
    });
    expect(rotated.status).toBe(200);
    await untilArrived(await text(accountId, numberAt(7)));
    const [mapping] = (await bridge.admin("GET", `/mappings?accountId=${accountId}&limit=1`)).body.items;
    const refused = await bridge.admin("PATCH", `/mappings/${mapping.id}`, { credentials: telnyx.credentials });
    expect([refused.status, refused.body.errors[0].message]).toMatchObject([422, expect.stringContaining(accountId)]);
  });

  test("a text to a number that nobody mapped fails with what to do, and is delivered by itself once it is", async () => {
    const to = "+15005559001";
    const id = await text(accountId, to);
    const [failed] = await until(
      async () => (await bridge.admin("GET", `/webhooks?state=failed&accountId=${accountId}`)).body.items,
      (items) => items.length === 1,
    );
    expect(failed.reason).toBe(`no mapping for ${to}: add the mapping, and it is delivered by itself`);
    expect(posted(id)).toEqual([]);
    const mapping = { accountId, address: to, locationId, conversationProviderId: smsProviderId };
    expect((await bridge.admin("POST", "/mappings", mapping)).body).toMatchObject({ replayed: 1 });
    expect(await untilArrived(id)).toMatchObject([{ locationId }]);
  });

  test("a number that is moved under load loses nothing, and takes no link to a person along", async () => {
    const number = numberAt(0);
    const found = await bridge.admin("GET", `/mappings?accountId=${accountId}&address=${encodeURIComponent(number)}`);
    const [mapping] = found.body.items;
    const ids: string[] = [];
    let isOver = false;
    const load = (async () => {
      while (!isOver) ids.push(await text(accountId, number, "+15005550077"));
    })();
    await until(
      () => ids.length,
      (count) => count > 10,
    );
    const moved = await bridge.admin("PATCH", `/mappings/${mapping.id}`, {
      locationId: second,
      conversationProviderId: providerOf2,
    });
    expect(moved).toMatchObject({ status: 200, body: { locationId: second, webhookUrl: mapping.webhookUrl } });
    const before = ids.length;
    await until(
      () => ids.length,
      (count) => count > before + 10,
    );
    isOver = true;
    await load;
    for (const id of ids) await untilArrived(id);
    const places = ids.map((id) => posted(id).map((message) => message.locationId));
    const [firstMoved] = [places.findIndex(([place]) => place === second)];
    expect(
      places.every((each, index) => each.length === 1 && each[0] === (index < firstMoved ? locationId : second)),
    ).toBe(true);
    const contactsOf = (place: string) =>
      new Set(
        ids
          .flatMap((id) => posted(id).filter((message) => message.locationId === place))
          .map(({ contactId }) => contactId),
      );
    expect([...contactsOf(locationId)].filter((id) => contactsOf(second).has(id))).toEqual([]);
    const gone = await bridge.admin("GET", `/mappings/${mapping.id}`);
    expect([gone.status, gone.body.detail]).toMatchObject([404, expect.stringContaining(moved.body.id)]);
  });
});

test("new credentials are valid beside the former, which nobody has to know, until those are let go of", async () => {
  const accountId = await makeAccount();
  const change = (body: unknown) => bridge.admin("PATCH", `/accounts/${accountId}?check=false`, body);
  const former = () => {
    const options = { url: `${publicUrl}/webhooks/${accountId}`, at: new Date() };
    return bridge.post(telnyx.sign({ contentType: "application/json", body: { data: {} } }, options));
  };
  expect((await change({ keepFormer: true })).status).toBe(422);
  expect((await change({ keepFormer: true, credentials: telnyx.foreignCredentials })).status).toBe(200);
  expect((await former()).status).toBe(200);
  expect((await change({ keepFormer: false })).status).toBe(200);
  expect((await former()).status).toBe(401);
});

test("the age of a secret is that of the credentials, whatever else is changed", async () => {
  const accountId = await makeAccount();
  const mapping = { accountId, address: "+15005559876", locationId, conversationProviderId: smsProviderId };
  const { id } = (await bridge.admin("POST", "/mappings?check=false", mapping)).body;
  const changedAt = async () =>
    (await bridge.admin("GET", `/mappings?accountId=${accountId}`)).body.items[0].accountChangedAt;
  const change = (body: unknown) => bridge.admin("PATCH", `/accounts/${accountId}?check=false`, body);
  const first = await changedAt();
  await change({ name: "another" });
  expect(await changedAt()).toBe(first);
  await change({ keepFormer: true, credentials: telnyx.foreignCredentials });
  const second = await changedAt();
  expect(second > first).toBe(true);
  await change({ keepFormer: false });
  await bridge.admin("PATCH", `/mappings/${id}`, { name: "x" });
  expect(await changedAt()).toBe(second);
});

test("two integrators share an agency's account, and see nothing of each other", async () => {
  const accountId = await makeAccount();
  const [one, two] = [await keyFor([locationId]), await keyFor([second])];
  const add = (key: string, place: string, address: string, conversationProviderId: string) =>
    by(key, "POST", "/mappings", { accountId, locationId: place, address, conversationProviderId });
  const mine = await add(one, locationId, "+15005558001", smsProviderId);
  const theirs = await add(two, second, "+15005558002", providerOf2);
  expect([mine.status, theirs.status]).toEqual([201, 201]);
  const [toMine, toTheirs] = [await text(accountId, "+15005558001"), await text(accountId, "+15005558002")];
  expect(await untilArrived(toMine)).toMatchObject([{ locationId }]);
  expect(await untilArrived(toTheirs)).toMatchObject([{ locationId: second }]);

  for (const path of [`/accounts/${accountId}`, `/mappings/${theirs.body.id}`]) {
    expect((await by(one, "GET", path)).status).toBe(404);
    expect((await by(one, "PATCH", path, { name: "x" })).status).toBe(404);
    expect((await by(one, "DELETE", path)).status).toBe(404);
  }
  const listed = (await by(one, "GET", `/mappings?accountId=${accountId}`)).body as { items: { id: string }[] };
  expect(listed.items.map(({ id }) => id)).toEqual([mine.body.id]);
  const webhooks = (await by(one, "GET", `/webhooks?accountId=${accountId}`)).body as { items: unknown[] };
  expect(webhooks.items).toEqual([]);
  const messages = (await by(one, "GET", `/messages?mappingId=${theirs.body.id}`)).body as { items: unknown[] };
  expect(messages.items).toEqual([]);
  expect((await add(one, second, "+15005558003", providerOf2)).status).toBe(403);
});

test("an account without locations is the operator's: no integrator uses it", async () => {
  const accountId = await makeAccount({ locationIds: [] });
  const key = await keyFor([locationId]);
  const mapping = { accountId, locationId, address: "+15005558009", conversationProviderId: smsProviderId };
  expect((await by(key, "POST", "/mappings", mapping)).status).toBe(404);
  expect((await bridge.admin("POST", "/mappings", mapping)).status).toBe(201);
  expect((await by(key, "GET", `/accounts/${accountId}`)).status).toBe(404);
});

test("what is posted to a deleted mapping for a week is answered 200, and kept as failed", async () => {
  const own = { provider: "telnyx", credentials: telnyx.credentials, locationId, address: "+15005558010" };
  const id = await bridge.addMapping(own);
  await untilArrived(await text(id, own.address));
  expect((await bridge.admin("DELETE", `/mappings/${id}`)).status).toBe(204);
  await text(id, own.address);
  const [failed] = await until(
    async () => (await bridge.admin("GET", `/webhooks?state=failed&accountId=${id}`)).body.items,
    (items) => items.length === 1,
  );
  expect(failed.reason).toContain(`no mapping for ${own.address}`);
});

describe("a domain of mailboxes behind one URL", () => {
  const domain = "mail.example.com";
  let accountId = "";
  const mapped: Record<string, string> = {};
  beforeAll(async () => {
    accountId = await makeAccount({ provider: "mailgun", credentials: mailgun.credentials, locationIds: [locationId] });
    for (const address of [`support@${domain}`, `sales@${domain}`, `*@${domain}`]) {
      const made = await bridge.admin("POST", "/mappings", {
        accountId,
        address,
        locationId,
        conversationProviderId: null,
      });
      expect(made.status).toBe(201);
      mapped[address] = made.body.id;
    }
  });

  test.each([
    ["the mailbox that To names", "support", "support", "support"],
    ["a plus tag falls back to the plain mailbox", "support+order-7", "support+order-7", "support"],
    ["a mailbox that nobody mapped is the domain's", "anybody", "anybody", "*"],
    ["a blind copy goes by the envelope, whoever To names", "friends@elsewhere.example", "sales", "sales"],
    ["of two that To names it is the envelope's", "support", "sales", "sales"],
    ["upper case is no other mailbox", "SUPPORT", "Support", "support"],
  ])("%s", async (_name, to, envelope, expected) => {
    const id = randomUUID();
    const full = (local: string) => (local.includes("@") ? local : `${local}@${domain}`);
    const headers = [
      ["From", "Bob <bob@example.org>"],
      ["To", full(to)],
      ["Message-Id", `<${id}@example.org>`],
      ["Subject", "Hello"],
    ];
    const body = {
      ...{ recipient: full(envelope), sender: "bob@example.org", from: "Bob <bob@example.org>", subject: "Hello" },
      ...{ "message-headers": JSON.stringify(headers), "body-plain": "Hello" },
    };
    const url = `${publicUrl}/webhooks/${accountId}`;
    const sample = { contentType: "application/x-www-form-urlencoded", body };
    expect((await bridge.post(mailgun.sign(sample, { url, at: new Date() }))).status).toBe(200);
    const mappingId = mapped[full(expected)];
    await until(
      async () => (await bridge.admin("GET", `/messages?mappingId=${mappingId}&address=bob@example.org`)).body.items,
      (items: { providerMessageId: string }[]) => items.some((each) => each.providerMessageId === `${id}@example.org`),
    );
    for (const [address, other] of Object.entries(mapped)) {
      if (address === full(expected)) continue;
      const { items } = (await bridge.admin("GET", `/messages?mappingId=${other}`)).body;
      expect(items.some((each: { providerMessageId: string }) => each.providerMessageId === `${id}@example.org`)).toBe(
        false,
      );
    }
  });
});
