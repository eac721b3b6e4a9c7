import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { locationId, publicUrl } from "../../support/location.ts";
import { mailProviders } from "../../support/providers.ts";
import type { StandInMessage } from "../../support/stand-ins/stand-in.ts";
import { startTwoWay, type TwoWay, type Way } from "../../support/two-way.ts";
import { until } from "../../support/until.ts";

/** Who unsubscribes with one click is not written to, and HighLevel knows it. */
let twoWay: TwoWay;
beforeAll(async () => {
  twoWay = await startTwoWay();
  const ids = mailProviders.map(({ name }) => way(name).mappingId);
  await Promise.all(ids.map((id) => twoWay.bridge.admin("PATCH", `/mappings/${id}`, { listUnsubscribe: true })));
});
afterAll(() => twoWay.stop());

const way = (provider: string): Way => {
  const found = twoWay.ways[provider];
  if (!found) throw new Error(`there is no way ${provider}`);
  return found;
};
let counter = 0;
const newContact = () => {
  const email = `reader${++counter}@example.org`;
  return { ...twoWay.bridge.sandbox.addContact({ locationId, email }), email };
};
type Reader = ReturnType<typeof newContact>;

const write = (by: Way, contact: Reader, more: Record<string, unknown> = {}) =>
  twoWay.bridge.sandbox.sendAsAgent(contact.id, {
    ...{ providerId: by.providerId, html: "<p>News</p>", subject: "News", ...more },
  });
const untilSent = (by: Way, { email }: Reader, count = 1) =>
  until(
    () => by.standIn.sent.filter(({ to }) => to.includes(email)),
    (sent) => sent.length >= count,
  ).then((sent) => sent.at(-1) as StandInMessage);
const tokenIn = ({ headers }: StandInMessage) => headers["list-unsubscribe"]?.slice(1, -1).split("/").at(-1) ?? "";
/** The token of an email that has just gone out. */
const newToken = async (by: Way, contact: Reader) => {
  write(by, contact);
  return tokenIn(await untilSent(by, contact));
};
const optOutsOf = async ({ email }: Reader, more = "") =>
  (await twoWay.bridge.admin("GET", `/opt-outs?address=${encodeURIComponent(email)}${more}`)).body.items;
const dndOf = ({ id }: Reader) =>
  twoWay.bridge.sandbox.contacts().find((contact) => contact.id === id)?.dndSettings?.Email;
const untilFailed = (id: string) =>
  until(
    () => twoWay.bridge.sandbox.messages().find(({ messageId }) => messageId === id),
    (message) => message?.status === "failed",
  );

const oneClick = () => new URLSearchParams({ "List-Unsubscribe": "One-Click" });
async function call(token: string, init: RequestInit = {}) {
  const answer = await fetch(`${twoWay.bridge.url}/unsubscribe/${token}`, { redirect: "manual", ...init });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}
const post = (token: string, body: URLSearchParams | FormData | string = oneClick()) =>
  call(token, { method: "POST", body });

describe.each(mailProviders.map(({ name }) => name))("an email by %s", (provider) => {
  test("carries by what its person unsubscribes with one click", async () => {
    const by = way(provider);
    const contact = newContact();
    const token = await newToken(by, contact);
    const { headers } = await untilSent(by, contact);
    expect(headers["list-unsubscribe"]).toMatch(/^<https:\/\/\S{1,100}>$/);
    expect(headers["list-unsubscribe"]).toBe(`<${publicUrl}/unsubscribe/${token}>`);
    // A sender of one's own is told the URL, and writes both headers by itself.
    const own = provider === "generic-email" ? undefined : "List-Unsubscribe=One-Click";
    expect(headers["list-unsubscribe-post"]).toBe(own);
    expect((await post(token)).status).toBe(200);
    expect(await optOutsOf(contact)).toMatchObject([{ cause: "unsubscribe" }]);
  });
});

describe("a person who unsubscribes with one click", () => {
  test("is opted out with the email that they answered to, is DND in HighLevel, and gets nothing more", async () => {
    const by = way("postmark");
    const contact = newContact();
    const answer = await post(await newToken(by, contact));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(answer.text).toContain("You are unsubscribed");

    const [optOut, ...others] = await optOutsOf(contact);
    expect(others).toEqual([]);
    expect(optOut).toMatchObject({
      ...{ locationId, channel: "email", address: contact.email },
      ...{ cause: "unsubscribe", detail: "List-Unsubscribe", messageId: expect.any(Number), liftedAt: null },
    });
    const { body } = await twoWay.bridge.admin("GET", `/messages?address=${contact.email}`);
    expect(body.items.map(({ id }: { id: number }) => id)).toEqual([optOut.messageId]);
    const dnd = await until(
      () => dndOf(contact),
      (settings) => settings?.status === "active",
    );
    expect(dnd?.message).toMatch(/^the person has unsubscribed on /);

    const failed = await untilFailed(write(by, contact).messageId);
    expect(failed?.recipients?.[contact.email]).toMatchObject({
      ...{ status: "failed", failReason: expect.stringContaining("the person has unsubscribed on ") },
    });
    // Nor by another mailbox of the location.
    await untilFailed(write(way("sendgrid"), contact).messageId);
    expect(by.standIn.sent.filter(({ to }) => to.includes(contact.email))).toHaveLength(1);
    expect(way("sendgrid").standIn.sent.filter(({ to }) => to.includes(contact.email))).toEqual([]);
  });

  test("may do so again, by either kind of form: it stays as it was", async () => {
    const contact = newContact();
    const token = await newToken(way("postmark"), contact);
    const form = new FormData();
    form.set("List-Unsubscribe", "One-Click");
    expect((await post(token, form)).status).toBe(200);
    const before = await optOutsOf(contact, "&lifted=true");
    expect(before).toHaveLength(1);
    expect((await post(token)).status).toBe(200);
    expect(await optOutsOf(contact, "&lifted=true")).toEqual(before);
  });

  test("is opted out where a mailbox has gone, too, and whatever became of its mapping", async () => {
    const elsewhere = "location-elsewhere";
    const { bridge } = twoWay;
    await bridge.admin("PUT", `/locations/${elsewhere}`, { name: "Elsewhere", token: "token-elsewhere" });
    const by = way("brevo");
    const contact = newContact();
    const token = await newToken(by, contact);
    const moved = await bridge.admin("PATCH", `/mappings/${by.mappingId}`, { locationId: elsewhere });
    expect(moved.status).toBe(200);
    expect((await post(token)).status).toBe(200);
    const places = (await optOutsOf(contact)).map((each: { locationId: string }) => each.locationId);
    expect(places.toSorted()).toEqual([locationId, elsewhere].toSorted());

    const deleted = way("mailjet");
    const reader = newContact();
    const held = await newToken(deleted, reader);
    expect((await bridge.admin("DELETE", `/mappings/${deleted.mappingId}`)).status).toBe(204);
    expect((await post(held)).status).toBe(200);
    expect(await optOutsOf(reader)).toMatchObject([{ locationId, cause: "unsubscribe" }]);
  });
});

test("a link that is followed changes nothing: its page asks, shows nothing of the person, and its button posts", async () => {
  const contact = newContact();
  const token = await newToken(way("postmark"), contact);
  for (const method of ["GET", "HEAD"]) expect((await call(token, { method })).status).toBe(200);
  const { headers, text } = await call(token);
  expect(await optOutsOf(contact, "&lifted=true")).toEqual([]);
  expect(dndOf(contact)).toBeUndefined();
  expect(text).not.toMatch(/@|reader|News/);
  expect(headers.get("set-cookie")).toBeNull();
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("content-security-policy")).toMatch(/^default-src 'none';.*form-action 'self'/);
  const [, method, name = "", value = ""] = /<form method="(\w+)"><button name="(.+)" value="(.+)">/.exec(text) ?? [];
  expect(method).toBe("post");
  expect((await post(token, new URLSearchParams({ [name]: value }))).status).toBe(200);
  expect(await optOutsOf(contact)).toHaveLength(1);
});

test("what posts anything but the one click opts nobody out", async () => {
  const contact = newContact();
  const token = await newToken(way("postmark"), contact);
  const bodies = ["", "List-Unsubscribe=One-Click", new URLSearchParams({ "List-Unsubscribe": "no" }), new FormData()];
  for (const body of bodies) expect((await post(token, body)).status).toBe(400);
  expect((await post(token, new URLSearchParams({ a: "x".repeat(20_000) }))).status).toBe(413);
  expect(await optOutsOf(contact, "&lifted=true")).toEqual([]);
});

test("a token that nobody wrote, or that is for another email, leads nowhere", async () => {
  const [contact, other] = [newContact(), newContact()];
  const [ofContact = "", proof = ""] = (await newToken(way("postmark"), contact)).split(".");
  const [ofOther = "", foreign = ""] = (await newToken(way("sendgrid"), other)).split(".");
  // By all that a key of the location is shown of an email and its mapping.
  const guess = (key: string, words: string) =>
    `${ofContact}.${createHmac("sha256", key).update(words).digest("base64url").slice(0, 22)}`;
  const [mappingId, messageId] = [way("postmark").mappingId, Number.parseInt(ofContact, 36)];
  const guesses = [mappingId, "", String(messageId)].flatMap((key) => [
    guess(key, `unsubscribe ${messageId}`),
    guess(key, `unsubscribe ${mappingId} ${messageId}`),
  ]);
  const forged = `${proof.slice(0, -1)}${proof.endsWith("A") ? "B" : "A"}`;
  for (const token of [
    ...[`${ofContact}.${foreign}`, `${ofOther}.${proof}`, `${ofContact}.${forged}`, `zzzzzzzzzzz.${proof}`, proof],
    ...guesses,
    ...[ofContact, `${ofContact}.`, "%00", `${ofContact}.${proof}%00`, "x".repeat(5000)],
  ]) {
    expect((await post(token)).status, token).toBe(404);
    expect((await call(token)).status, token).toBe(404);
  }
  expect(await optOutsOf(contact, "&lifted=true")).toEqual([]);
  expect(await optOutsOf(other, "&lifted=true")).toEqual([]);
});

test("who tries tokens is limited, and keeps nobody from unsubscribing", async () => {
  const contact = newContact();
  const token = await newToken(way("postmark"), contact);
  const tries = Array.from({ length: 150 }, () => post(`1.${"x".repeat(22)}`));
  const statuses = (await Promise.all(tries)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([404, 429]));
  expect((await post(token)).status).toBe(200);
});

test("without the setting, and with copies, an email has no such header; a number is refused the setting", async () => {
  const { bridge } = twoWay;
  const by = way("mailgun");
  const contact = newContact();
  write(by, contact, { emailCc: ["boss@example.org"] });
  const copied = await untilSent(by, contact);
  await bridge.admin("PATCH", `/mappings/${by.mappingId}`, { listUnsubscribe: false });
  write(by, contact);
  const plain = await untilSent(by, contact, 2);
  for (const { headers } of [copied, plain]) {
    expect(headers).not.toHaveProperty("list-unsubscribe");
    expect(headers).not.toHaveProperty("list-unsubscribe-post");
  }
  const refused = await bridge.admin("PATCH", `/mappings/${way("twilio").mappingId}`, { listUnsubscribe: true });
  expect([refused.status, refused.body.errors]).toEqual([
    422,
    [{ path: "listUnsubscribe", message: "is for mailboxes: leave it out" }],
  ]);
});

test("a link outlives the process that wrote it", async () => {
  const contact = newContact();
  const token = await newToken(way("postmark"), contact);
  // It listens at another port then: nothing is sent from here on.
  await twoWay.bridge.restart();
  expect((await post(token)).status).toBe(200);
  expect(await optOutsOf(contact)).toHaveLength(1);
});
