import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer } from "../../fixtures/mailgun/sign.ts";
import { startTestBridge, type TestBridge } from "../../support/bridge.ts";
import { publicUrl } from "../../support/location.ts";
import { until } from "../../support/until.ts";

let bridge: TestBridge;
let mappingId = "";
let otherId = "";
beforeAll(async () => {
  bridge = await startTestBridge();
  const add = (address: string) =>
    bridge.addMapping({ provider: "mailgun", address, credentials: signer.sendCredentials });
  mappingId = await add("support@mg.example.com");
  otherId = await add("sales@mg.example.com");
});
afterAll(() => bridge.stop());

let counter = 0;
/** What Mailgun signs, so many seconds ago. */
function sign(ageSeconds: number) {
  const { signingKey } = signer.credentials as { signingKey: string };
  const timestamp = String(Math.floor(Date.now() / 1000) - ageSeconds);
  const token = String(++counter).padStart(50, "0");
  const signature = createHmac("sha256", signingKey).update(`${timestamp}${token}`).digest("hex");
  return { timestamp, token, signature };
}
type Signed = ReturnType<typeof sign>;

const mail = (id: string, from = "ann@example.org") => ({
  ...{
    recipient: "support@mg.example.com",
    sender: from,
    from,
    "Message-Id": `<${id}@example.org>`,
    To: "x@y.example",
  },
  ...{ subject: "A question", "body-plain": `The words of ${id}` },
});

const receipt = (event: string, id: string) => ({
  "event-data": {
    event,
    severity: "permanent",
    recipient: "ann@example.org",
    message: { headers: { "message-id": id } },
  },
});

const formOf = (fields: Record<string, string>, signed: Signed) => ({
  contentType: "application/x-www-form-urlencoded",
  body: new URLSearchParams({ ...fields, ...signed }).toString(),
});
const jsonOf = (fields: object, signature: Signed) => ({
  contentType: "application/json",
  body: JSON.stringify({ ...fields, signature }),
});

/** Posts it, and gives the status and what became of it. */
async function post({ contentType, body }: { contentType: string; body: string }, to = mappingId) {
  const newest = async () => (await bridge.admin("GET", `/webhooks?mappingId=${to}&limit=1`)).body.items[0];
  const before = await newest();
  const request = { url: `${publicUrl}/webhooks/${to}`, headers: { "content-type": contentType } };
  const { status } = await bridge.post({ ...request, body: Buffer.from(body), receivedAt: new Date() });
  if (status !== 200) return { status };
  const { id, state, reason } = await until(newest, (found) => found?.id !== before?.id && found?.state !== "received");
  return { status, id, state, reason };
}
const processed = { status: 200, state: "processed" };
const again = { status: 200, state: "ignored", reason: expect.stringMatching(/^duplicate/) };
const messagesFrom = async (address: string) => (await bridge.admin("GET", `/messages?address=${address}`)).body.items;

describe("a mail that Mailgun tries again under its first signature is taken as long as Mailgun tries, once", () => {
  test.each([620, 3600, 4 * 3600, 8 * 3600 + 5 * 60])("after %i seconds", async (seconds) => {
    const form = formOf(mail(`late-${seconds}`, `late${seconds}@example.org`), sign(seconds));
    expect(await post(form)).toMatchObject(processed);
    expect(await post(form)).toMatchObject(again);
    expect(await messagesFrom(`late${seconds}@example.org`)).toHaveLength(1);
  });

  test("a receipt, too", async () => {
    const json = jsonOf(receipt("delivered", "unknown@mg.example.com"), sign(620));
    expect(await post(json)).toMatchObject({ status: 200, reason: expect.stringContaining("has not sent") });
    expect(await post(json)).toMatchObject(again);
  });

  test("and none that is older, or of a time to come", async () => {
    for (const seconds of [9 * 3600 + 60, 86_400, -360])
      expect(await post(formOf(mail("stale"), sign(seconds)))).toEqual({ status: 401 });
  });
});

describe("a signature that was recorded proves no other content", () => {
  const forged = (signed: Signed) => formOf(mail("forged", "mallory@example.org"), signed);
  const unseen = async () => expect(await messagesFrom("mallory@example.org")).toEqual([]);

  test("of a mail that was taken, also after hours and a restart", async () => {
    const signed = sign(5 * 3600);
    expect(await post(formOf(mail("genuine"), signed))).toMatchObject(processed);
    expect(await post(forged(signed))).toMatchObject(again);
    expect(await post(jsonOf(receipt("failed", "x@mg.example.com"), signed))).toMatchObject(again);
    await bridge.restart();
    expect(await post(forged(signed))).toMatchObject(again);
    await unseen();
  });

  test("of an event that was passed over", async () => {
    const signed = sign(60);
    expect(await post(jsonOf(receipt("clicked", "x@mg.example.com"), signed))).toMatchObject({ state: "ignored" });
    expect(await post(forged(signed))).toMatchObject(again);
    await unseen();
  });

  test("when both come at once, nor when an operator replays the second", async () => {
    const signed = sign(60);
    const all = [formOf(mail("first", "first@example.org"), signed), forged(signed)];
    expect(await post(all[0] as (typeof all)[0])).toMatchObject(processed);
    const second = await post(all[1] as (typeof all)[0]);
    expect((await bridge.admin("POST", `/webhooks/${second.id}/replay`)).status).toBe(202);
    const replayed = await until(
      async () => (await bridge.admin("GET", `/webhooks/${second.id}`)).body,
      ({ state }) => state !== "received",
    );
    expect(replayed).toMatchObject({ state: "ignored", reason: expect.stringMatching(/^duplicate/) });
    await unseen();
  });

  test("while what Mailgun posts to another mapping counts for itself", async () => {
    const form = formOf(mail("to-both", "both@example.org"), sign(60));
    expect(await post(form)).toMatchObject(processed);
    expect(await post(form, otherId)).toMatchObject(processed);
    expect(await messagesFrom("both@example.org")).toHaveLength(2);
  });
});
