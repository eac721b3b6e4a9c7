import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import type { Contact, StoredMessage } from "../../src/sandbox/state.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { startTestBridge } from "../support/bridge.ts";
import { copyMigrated } from "../support/database.ts";
import { locationId, publicUrl, token } from "../support/location.ts";
import { textProviders } from "../support/providers.ts";
import { makeFaulty, type SendFault } from "../support/stand-ins/faulty.ts";
import { startTwoWay, type TwoWay, type Way } from "../support/two-way.ts";
import { until } from "../support/until.ts";

const oauth = {
  clientId: "app-x",
  clientSecret: "secret",
  authorizeUrl: "https://marketplace.example.com/v2/oauth/chooselocation",
  scopes: "conversations.write",
};
/** Where files lie that an agent attaches, and an integrator's gateway with one id for everything. */
const elsewhere = createServer((req, res) => {
  if (req.url === "/quote.pdf") return void res.setHeader("Content-Type", "application/pdf").end("%PDF-1.7 quote");
  if (req.url !== "/send") return void res.writeHead(410).end();
  req.resume().on("end", () => {
    gatewayCalls++;
    res.setHeader("Content-Type", "application/json").end('{"id":"accepted"}');
  });
});
let gatewayCalls = 0;
let elsewhereUrl = "";
let database: Awaited<ReturnType<typeof copyMigrated>>;
let twoWay: TwoWay;
/** For the next calls of providers, one each. */
let faults: SendFault[] = [];
let gates: Promise<void>[] = [];
beforeAll(async () => {
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  elsewhereUrl = `http://${host}`;
  database = await copyMigrated(inject);
  twoWay = await startTwoWay({
    databaseUrl: database.url,
    config: { oauth, allowedPrivateHosts: [host] },
    wrap: (standIn) => makeFaulty(standIn, { onCall: async () => gates.shift(), draw: () => faults.shift() }),
  });
});
afterAll(async () => {
  await twoWay.stop();
  await database.drop();
  elsewhere.closeAllConnections();
  elsewhere.close();
});
beforeEach(() => {
  faults = [];
  gates = [];
});

let counter = 0;
const newContact = (): Contact =>
  twoWay.bridge.sandbox.addContact({
    locationId,
    phone: `+1500555${String(3000 + ++counter)}`,
    email: `someone${counter}@example.org`,
  });
const way = (provider: string): Way => {
  const found = twoWay.ways[provider];
  if (!found) throw new Error(`there is no way ${provider}`);
  return found;
};
function write(by: Way, contact: Contact, text: string, more: Record<string, unknown> = {}): StoredMessage {
  const body = by.channel === "sms" ? { message: text } : { html: `<p>${text}</p>`, subject: "About it" };
  return twoWay.bridge.sandbox.sendAsAgent(contact.id, { providerId: by.providerId, ...body, ...more });
}
const sentTo = (by: Way, { phone, email }: Contact) =>
  by.standIn.sent.filter(({ to }) => to.includes((by.channel === "sms" ? phone : email) ?? ""));
const untilSent = async (by: Way, contact: Contact, count = 1) => {
  const sent = await until(
    () => sentTo(by, contact),
    (found) => found.length >= count,
  );
  const last = sent.at(-1);
  if (!last) throw new Error("nothing was sent");
  return last;
};
/** Until HighLevel has had the bridge take it. */
const untilTaken = ({ messageId }: StoredMessage) =>
  until(
    () => twoWay.bridge.sandbox.webhookCalls().find(({ body }) => body["messageId"] === messageId)?.status,
    (status) => status === 200,
  );
const untilStatus = (message: StoredMessage, status: string) =>
  until(
    () => message.status,
    (now) => now === status,
  );
const admin = async (path: string) => (await twoWay.bridge.admin("GET", path)).body;
const newestTo = async ({ phone, email }: Contact, by: Way) => {
  const address = encodeURIComponent((by.channel === "sms" ? phone : email) ?? "");
  const { items } = await admin(`/messages?address=${address}&limit=1`);
  return admin(`/messages/${items[0]?.id}`);
};
const untilProcessed = () =>
  until(
    async () => (await admin("/webhooks?state=received&limit=1")).items.length,
    (left) => left === 0,
  );
const untilNothingPending = () =>
  until(
    async () => (await admin("/deliveries?state=pending&limit=1")).items.length,
    (left) => left === 0,
  );
const newestWebhook = async (by: Way) => (await admin(`/webhooks?mappingId=${by.mappingId}&limit=1`)).items[0];
const showLocation = () => admin(`/locations/${locationId}`);

describe("while the head of a conversation is being retried", () => {
  test("what comes after it waits, another conversation does not, and all arrive in order", async () => {
    const by = way("twilio");
    const [first, other] = [newContact(), newContact()];
    let open = () => {};
    gates = [
      new Promise<void>((resolve) => {
        open = resolve;
      }),
    ];
    faults = [{ kind: "unavailable" }];
    write(by, first, "one");
    await until(
      () => gates.length,
      (left) => left === 0,
    );
    // The fault is for whoever is answered first: that is the one who waits.
    const held = faults.splice(0);
    write(by, other, "meanwhile");
    await untilSent(by, other);
    expect(sentTo(by, first)).toEqual([]);
    await untilTaken(write(by, first, "two"));
    await untilTaken(write(by, first, "three"));
    faults = [...held, { kind: "throttled", retryAfterSeconds: 0 }];
    open();
    await untilSent(by, first, 3);
    expect(sentTo(by, first).map(({ text }) => text)).toEqual(["one", "two", "three"]);
  });
});

describe("a location whose token HighLevel refuses", () => {
  test("still sends texts, and what became of them is told once the token is replaced", async () => {
    const by = way("telnyx");
    const contact = newContact();
    const setToken = (value: string) => twoWay.bridge.admin("PUT", `/locations/${locationId}`, { token: value });
    const before = write(by, contact, "before");
    const sentBefore = await untilSent(by, contact);
    await setToken("revoked");
    await twoWay.tell(by, sentBefore, "delivered");
    await until(showLocation, ({ paused }) => paused !== null);

    const meanwhile = write(by, contact, "meanwhile");
    const sentMeanwhile = await untilSent(by, contact, 2);
    await twoWay.tell(by, sentMeanwhile, "failed");
    await untilProcessed();
    expect([before.status, meanwhile.status]).toEqual(["pending", "pending"]);

    await setToken(token);
    await untilStatus(before, "delivered");
    await untilStatus(meanwhile, "failed");
  });
});

describe("a token that has expired", () => {
  test("is renewed for an email that HighLevel must be asked about, and the email goes out", async () => {
    const { sandbox, url } = twoWay.bridge;
    sandbox.setOauth({ clientId: oauth.clientId, clientSecret: oauth.clientSecret, chosen: { locationId } });
    const open = (address: string, cookie = "") => fetch(address, { redirect: "manual", headers: { cookie } });
    const begun = await open(`${url}/oauth/install`);
    const { search } = new URL(begun.headers.get("location") ?? "");
    const chosen = await open(`${twoWay.bridge.sandboxUrl}/v2/oauth/chooselocation${search}`);
    const [cookie] = begun.headers.getSetCookie()[0]?.split(";") ?? [];
    const done = await open((chosen.headers.get("location") ?? "").replace(publicUrl, url), cookie);
    expect(done.status).toBe(200);

    const by = way("postmark");
    const contact = newContact();
    write(by, contact, "with a good token");
    await untilSent(by, contact);
    await untilNothingPending();
    sandbox.expireAccessTokens();
    const refreshes = sandbox.refreshCount();
    write(by, contact, "with one that has expired");
    await untilSent(by, contact, 2);
    expect(sandbox.refreshCount() - refreshes).toBe(1);
    await twoWay.bridge.admin("PUT", `/locations/${locationId}`, { token });
  });
});

describe("what became of a message", () => {
  test("is told again when HighLevel does not show the message yet", async () => {
    const by = way("twilio");
    const contact = newContact();
    const message = write(by, contact, "quick");
    const path = `/conversations/messages/${message.messageId}/status`;
    twoWay.bridge.sandbox.setFaults([{ kind: "status", status: 403, path, times: 3 }]);
    await twoWay.tell(by, await untilSent(by, contact), "delivered");
    await untilStatus(message, "delivered");
    await untilNothingPending();
    const { deliveries } = await newestTo(contact, by);
    const report = deliveries.find(({ kind }: { kind: string }) => kind === "report-status");
    expect(report).toMatchObject({ state: "delivered" });
    const outcomes = report.attemptLog.map(({ outcome }: { outcome: string }) => outcome);
    expect(outcomes).toEqual(["not_visible", "not_visible", "not_visible", "delivered"]);
  });

  test.each(textProviders.map(({ name }) => name))("never goes backward: %s", async (provider) => {
    const by = way(provider);
    const contact = newContact();
    const message = write(by, contact, "done");
    const sent = await untilSent(by, contact);
    for (const status of ["delivered", "sent", "failed", "delivered"] as const) {
      if (by.standIn.statuses.includes(status)) await twoWay.tell(by, sent, status);
    }
    await untilProcessed();
    await untilNothingPending();
    expect(message.statuses).toEqual(["delivered"]);
    expect(await newestTo(contact, by)).toMatchObject({ state: "delivered", error: null });
  });

  test("is told as a whole where HighLevel spells a recipient of the email otherwise", async () => {
    const by = way("postmark");
    const contact = newContact();
    const message = write(by, contact, "to two", { emailCc: ["Boss@Example.org"] });
    const sent = await untilSent(by, contact);
    expect(sent.cc).toEqual(["Boss@Example.org"]);
    await twoWay.tell(by, sent, "delivered", "boss@example.org");
    await twoWay.tell(by, sent, "delivered");
    await untilStatus(message, "delivered");
    await untilNothingPending();
    expect((await newestTo(contact, by)).deliveries.map(({ state }: { state: string }) => state)).not.toContain("dead");
  });

  test("is ignored, with a reason, where this bridge sent no such message", async () => {
    const by = way("twilio");
    const contact = newContact();
    write(by, contact, "known");
    const sent = await untilSent(by, contact);
    const receiptUrl = `${by.webhookUrl}?message=999999999`;
    await twoWay.tell(by, { ...sent, id: "SM00000000000000000000000000000000", receiptUrl }, "delivered");
    await untilProcessed();
    expect(await newestWebhook(by)).toMatchObject({
      state: "ignored",
      reason: "receipt of a message that this account has not sent",
    });
  });

  test("cannot be told by another mapping's provider", async () => {
    const by = way("twilio");
    const contact = newContact();
    const message = write(by, contact, "mine");
    const sent = await untilSent(by, contact);
    const other = way("generic-sms");
    await twoWay.tell(other, sent, "failed");
    await untilProcessed();
    expect(await newestWebhook(other)).toMatchObject({ state: "ignored" });
    expect(message.status).toBe("pending");
  });
});

describe("what the business sends outside HighLevel", () => {
  test.each(textProviders.map(({ name }) => name))(
    "a text from the portal of %s is shown as sent by the business, if it tells, and its fate is kept",
    async (provider) => {
      const by = way(provider);
      const contact = newContact();
      const told = { id: `portal-${counter}`, from: by.address, to: contact.phone ?? "", text: `Portal ${counter}` };
      if (!by.standIn.sentElsewhere(told, { url: by.webhookUrl, at: new Date() })) return;
      await twoWay.tellElsewhere(by, told);
      const shown = await until(
        () => twoWay.bridge.sandbox.messages().find(({ altId }) => altId === told.id),
        (found) => found !== undefined,
      );
      expect(shown).toMatchObject({ contactId: contact.id, direction: "outbound", body: told.text });
      expect(by.standIn.sent.filter(({ text }) => text === told.text)).toEqual([]);

      const message = { ...told, to: [told.to], reference: undefined, receiptUrl: undefined };
      await twoWay.tell(by, { ...message, cc: [], bcc: [], headers: {}, media: [] }, "delivered");
      await untilProcessed();
      await untilNothingPending();
      expect(await newestTo(contact, by)).toMatchObject({ state: "delivered", origin: "provider" });
      expect(shown?.statuses).toBeUndefined();
    },
  );

  test("the copy of an email that went out by this bridge is not shown twice, one from elsewhere is shown", async () => {
    const by = way("generic-email");
    const contact = newContact();
    write(by, contact, "by the bridge");
    const sent = await untilSent(by, contact);
    const copy = async (id: string, messageId: string | undefined) => {
      const data = { id, from: by.address, to: contact.email, subject: "About it", text: id, messageId };
      const sample = { contentType: "application/json", body: { type: "message.sent", data } };
      await twoWay.bridge.post(genericSms.sign(sample, { url: by.webhookUrl, at: new Date() }));
      await untilProcessed();
    };
    await copy(`copy-${counter}`, sent.headers["message-id"]);
    expect(await newestWebhook(by)).toMatchObject({
      state: "ignored",
      reason: "a copy of an email that this bridge has sent",
    });
    await copy(`elsewhere-${counter}`, "<another@example.com>");
    await until(
      () => twoWay.bridge.sandbox.messages().find(({ altId }) => altId === `elsewhere-${counter}`),
      (found) => found?.direction === "outbound",
    );
    expect(twoWay.bridge.sandbox.messages().some(({ altId }) => altId === `copy-${counter}`)).toBe(false);
  });
});

describe("what a person must decide or mend", () => {
  test("a text that may have gone out is not held for hours in which its provider would forget it", async () => {
    const by = way("generic-sms");
    const contact = newContact();
    const clock = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
    const change = (settings: object) => twoWay.bridge.admin("PATCH", `/mappings/${by.mappingId}`, settings);
    let goOn = () => {};
    gates = [
      new Promise((resolve) => {
        goOn = resolve;
      }),
    ];
    faults = [{ kind: "cut" }];
    const message = write(by, contact, "late");
    await until(
      () => gates.length,
      (left) => left === 0,
    );
    const hours = { sendFrom: clock(2), sendUntil: clock(3), timeZone: "UTC" };
    expect(await change(hours)).toMatchObject({ status: 200 });
    goOn();
    await untilStatus(message, "failed");
    expect(message.error).toMatchObject({ code: "unconfirmed", message: expect.stringContaining("held until") });
    expect(sentTo(by, contact)).toHaveLength(1);
    expect(await change({ sendFrom: null, sendUntil: null, timeZone: null })).toMatchObject({ status: 200 });
    await untilNothingPending();
  });

  test("a text of which nobody knows whether it went out is failed, and goes out when it is replayed", async () => {
    const by = way("twilio");
    const contact = newContact();
    faults = [{ kind: "cut" }];
    const message = write(by, contact, "perhaps");
    await untilStatus(message, "failed");
    expect(message.error).toMatchObject({ code: "unconfirmed", type: "twilio" });
    expect(sentTo(by, contact)).toHaveLength(1);
    const { deliveries, state } = await newestTo(contact, by);
    expect(state).toBe("failed");
    expect((await twoWay.bridge.admin("POST", `/deliveries/${deliveries[0].id}/replay`)).status).toBe(202);
    await twoWay.tell(by, await untilSent(by, contact, 2), "delivered");
    await untilStatus(message, "delivered");
    await untilNothingPending();
    expect(sentTo(by, contact)).toHaveLength(2);
    expect(await newestTo(contact, by)).toMatchObject({ state: "delivered", error: null });
  });

  test("one that a receipt has meanwhile told of is not sent again by a replay", async () => {
    const by = way("postmark");
    const contact = newContact();
    faults = [{ kind: "cut" }];
    const message = write(by, contact, "it did");
    await untilStatus(message, "failed");
    await twoWay.tell(by, await untilSent(by, contact), "delivered");
    await untilStatus(message, "delivered");
    const { deliveries } = await newestTo(contact, by);
    expect((await twoWay.bridge.admin("POST", `/deliveries/${deliveries[0].id}/replay`)).status).toBe(202);
    await untilNothingPending();
    expect(sentTo(by, contact)).toHaveLength(1);
    expect(message.status).toBe("delivered");
  });

  test("credentials that cannot send: the agent reads what is missing, and a replay sends once it is there", async () => {
    const by = way("telnyx");
    const contact = newContact();
    const setCredentials = (credentials: unknown) =>
      twoWay.bridge.admin("PATCH", `/mappings/${by.mappingId}`, { credentials });
    const changed = await setCredentials(telnyx.credentials);
    expect(changed.status).toBe(200);
    const message = write(by, contact, "no key");
    await untilStatus(message, "failed");
    expect(message.error).toMatchObject({ code: "misconfigured", message: expect.stringContaining("apiKey") });
    await setCredentials(telnyx.sendCredentials);
    const { deliveries } = await newestTo(contact, by);
    await twoWay.bridge.admin("POST", `/deliveries/${deliveries[0].id}/replay`);
    await twoWay.tell(by, await untilSent(by, contact), "delivered");
    await untilStatus(message, "delivered");
  });

  test("a message that is queued when its mapping is deleted fails visibly", async () => {
    const by = way("mailgun");
    const contact = newContact();
    faults = [{ kind: "throttled", retryAfterSeconds: 1 }];
    const message = write(by, contact, "too late");
    await until(
      () => faults.length,
      (left) => left === 0,
    );
    expect((await twoWay.bridge.admin("DELETE", `/mappings/${by.mappingId}`)).status).toBe(204);
    await untilStatus(message, "failed");
    expect(message.recipients?.[contact.email ?? ""]?.failReason).toContain("the mapping was deleted");
    expect(sentTo(by, contact)).toEqual([]);
  });

  test.each(["generic-sms", "generic-email"])(
    "what an agent writes to a deleted mapping of %s fails visibly",
    async (provider) => {
      const by = way(provider);
      expect((await twoWay.bridge.admin("DELETE", `/mappings/${by.mappingId}`)).status).toBe(204);
      const contact = newContact();
      const message = write(by, contact, "Is anybody there?");
      await untilStatus(message, "failed");
      const reason = message.error?.message ?? message.recipients?.[contact.email ?? ""]?.failReason;
      expect(reason).toContain("the mapping was deleted");
      expect(sentTo(by, contact)).toEqual([]);
    },
  );
});

test("files that an agent attaches arrive in the email, and one that is gone as its link", async () => {
  const by = way("postmark");
  const contact = newContact();
  write(by, contact, "enclosed", { attachments: [`${elsewhereUrl}/quote.pdf`, `${elsewhereUrl}/gone.pdf`] });
  const sent = await untilSent(by, contact);
  expect(sent.media).toEqual(["quote.pdf"]);
  expect(sent.html).toContain(`${elsewhereUrl}/gone.pdf`);
  expect(sent.text).toContain(`${elsewhereUrl}/gone.pdf`);
});

test("an integrator's gateway must be public or allowed; one id for all its messages does not confuse them", async () => {
  const own = await copyMigrated(inject);
  const bridge = await startTestBridge({ databaseUrl: own.url });
  try {
    const address = "+15005550021";
    const credentials = { ...(genericSms.credentials as object), sendUrl: `${elsewhereUrl}/send` };
    const mappingId = await bridge.addMapping({ provider: "generic-sms", address, credentials });
    const connect = () =>
      bridge.sandbox.putLocation({
        id: locationId,
        token,
        providers: [
          { id: "gateway", channel: "sms", extra: true, deliveryUrl: `${bridge.url}/webhooks/highlevel/${mappingId}` },
        ],
      });
    connect();
    const people = Array.from({ length: 12 }, (_, person) =>
      bridge.sandbox.addContact({ locationId, phone: `+150055500${30 + person}` }),
    );
    const type = ({ id }: Contact) => bridge.sandbox.sendAsAgent(id, { message: "to the gateway" });
    const refused = type(people[0] as Contact);
    await untilStatus(refused, "failed");
    expect(refused.error?.message).toContain("resolves to an address that is not public");
    expect(gatewayCalls).toBe(0);

    await bridge.restart({ allowedPrivateHosts: [new URL(elsewhereUrl).host] });
    connect();
    const messages = [...people, ...people].map(type);
    const rows = await until(
      async () => (await bridge.admin("GET", "/messages?state=sent&limit=50")).body.items,
      (items) => items.length >= messages.length,
    );
    expect(gatewayCalls).toBe(messages.length);
    for (const { id } of rows) {
      const data = { id: "accepted", reference: String(id), status: "delivered" };
      const sample = { contentType: "application/json", body: { type: "message.status", data } };
      await bridge.post(genericSms.sign(sample, { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() }));
    }
    for (const message of messages) await untilStatus(message, "delivered");
    expect(gatewayCalls).toBe(messages.length);
    expect(bridge.logLines.filter(({ event }) => /\.broke$/.test(String(event)))).toEqual([]);
  } finally {
    await bridge.stop();
    await own.drop();
  }
});
