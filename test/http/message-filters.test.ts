import { afterAll, beforeAll, expect, test } from "vitest";
import { signer as email } from "../fixtures/generic-email/sign.ts";
import { signer as text } from "../fixtures/generic-sms/sign.ts";
import { adminApiKey, startTestBridge, type TestBridge } from "../support/bridge.ts";
import { emailProviderId, locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";

let bridge: TestBridge;
let numbers: string;

beforeAll(async () => {
  bridge = await startTestBridge();
  const shared = { locationId, credentials: text.credentials };
  const sms = { ...shared, provider: "generic-sms", conversationProviderId: smsProviderId, unknownSender: "hold" };
  const mail = { ...shared, provider: "generic-email", conversationProviderId: emailProviderId };
  numbers = await bridge.addMapping({ ...sms, address: "+15005550009" });
  const mailbox = await bridge.addMapping({ ...mail, address: "shop@example.com", credentials: email.credentials });
  await post(text, numbers, { id: "held", from: "+15005550006", to: "+15005550009", text: "hi" });
  const from = { from: "ann@example.org", to: "shop@example.com", subject: "Hi", text: "hi" };
  await post(email, mailbox, { ...from, id: "plain" });
  await post(email, mailbox, { ...from, id: "away", autoSubmitted: "auto-replied" });
  const attachments = [{ url: "https://files.example/a.pdf", name: "a.pdf" }];
  await post(email, mailbox, { ...from, id: "with-file", attachments });
  await until(
    () => listed("deliveryState=dead"),
    (ids) => ids.includes("held"),
  );
  await until(
    () => listed(""),
    (ids) => ids.length === 4,
  );
});
afterAll(() => bridge.stop());

async function post({ sign }: typeof text, mapping: string, data: Record<string, unknown>) {
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  const answer = await bridge.post(sign(sample, { url: `${publicUrl}/webhooks/${mapping}`, at: new Date() }));
  expect(answer.status).toBe(200);
}

async function listed(query: string): Promise<string[]> {
  const { status, body } = await bridge.admin("GET", `/messages?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.items.map(({ providerMessageId }: { providerMessageId: string }) => providerMessageId).toSorted();
}

test.each([
  ["channel=sms", ["held"]],
  ["channel=email", ["away", "plain", "with-file"]],
  ["provider=generic-sms", ["held"]],
  ["provider=generic-sms&channel=email", []],
  ["provider=nobody", []],
  ["reason=unknown_sender", ["held"]],
  ["reason=opted_out", []],
  ["hasFiles=true", ["with-file"]],
  ["hasFiles=false", ["away", "held", "plain"]],
  ["automatic=true", ["away"]],
  ["automatic=false&channel=email", ["plain", "with-file"]],
  ["automatic=true&hasFiles=true", []],
  ["problems=true", ["held"]],
  ["problems=true&deliveryState=pending", []],
  ["problems=false&channel=sms", []],
  ["problems=false&channel=email&hasFiles=false", ["away", "plain"]],
])("messages are listed, and given as CSV, by %s", async (query, expected) => {
  expect(await listed(query)).toEqual(expected);
  const { body } = await bridge.admin("GET", `/messages?${query}`);
  const csv = await fetch(`${bridge.url}/admin/messages/export?${query}`, {
    headers: { authorization: `Bearer ${adminApiKey}` },
  });
  const lines = (await csv.text()).trim().split("\n").slice(1);
  expect(lines.map((line) => line.split(",")[0])).toEqual(body.items.map(({ id }: { id: number }) => String(id)));
});

test("a filter that is none of these is refused", async () => {
  for (const query of ["channel=fax", "reason=nothing", "hasFiles=yes", "problems=1"])
    expect((await bridge.admin("GET", `/messages?${query}`)).status).toBe(422);
});

test("what was replayed is no problem until it is tried", async () => {
  await bridge.admin("POST", `/mappings/${numbers}/pause`);
  const { body } = await bridge.admin("GET", "/deliveries?state=dead");
  expect((await bridge.admin("POST", `/deliveries/${body.items[0].id}/replay`)).status).toBe(202);
  expect(await listed("problems=true")).toEqual([]);
  expect(await listed("problems=false&channel=sms")).toEqual(["held"]);
});
