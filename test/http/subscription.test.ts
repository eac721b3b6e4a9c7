import express from "express";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signer } from "../fixtures/aws-sms/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { publicUrl } from "../support/location.ts";
import { providerOf } from "../support/providers.ts";

let bridge: TestBridge;
let id = "";
/** What stands for the hosts of AWS: its answers, and what it was asked. */
const aws = { certificate: 503, confirmation: 500, asked: [] as string[] };
let stop = () => {};
beforeAll(async () => {
  const app = express();
  app.use((req, res) => {
    aws.asked.push(req.url);
    const isCertificate = req.url.endsWith(".pem");
    const status = isCertificate ? aws.certificate : aws.confirmation;
    res.status(status).send(isCertificate ? signer.certificate?.pem : "<ConfirmSubscriptionResponse/>");
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  stop = () => server.close();
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  bridge = await startTestBridge({ config: { providersUrl: `http://127.0.0.1:${port}` } });
  id = await bridge.addMapping({ provider: "aws-sms", address: "+15005550009", credentials: signer.credentials });
});
afterAll(async () => {
  await bridge.stop();
  stop();
});

function sign(name: string) {
  const found = providerOf("aws-sms").fixtures.find((each) => each.name === name);
  if (!found) throw new Error(`there is no ${name}.json`);
  return signer.sign(found.fixture.request, { url: `${publicUrl}/webhooks/${id}`, at: new Date() });
}
function post(name: string, change: Record<string, string> = {}) {
  const signed = sign(name);
  const body = Buffer.from(JSON.stringify({ ...JSON.parse(signed.body.toString()), ...change }));
  return bridge.post({ ...signed, body });
}
const stored = async () => (await bridge.admin("GET", `/webhooks?mappingId=${id}`)).body.items.length as number;

/** The answer to a preview of the same, as somebody pastes it. */
async function preview(name: string) {
  const { headers, body } = sign(name);
  const sample = { contentType: headers["content-type"], headers, body: body.toString() };
  return bridge.admin("POST", `/mappings/${id}/preview`, sample);
}

test("while the certificate is not to be had, nothing is stored, and the provider shall come again", async () => {
  const answer = await post("text");
  expect([answer.status, Number(answer.headers["retry-after"]) > 0, await stored()]).toEqual([503, true, 0]);
  expect((await preview("text")).status, "nor does a preview say that it does not verify").toBe(503);
  aws.certificate = 200;
  expect((await post("text")).status).toBe(200);
  expect((await post("text")).status).toBe(200);
  expect((await post("text", { Message: "{}" })).status).toBe(401);
  expect((await preview("text")).body).toMatchObject({ verified: true, events: [{ outcome: "posted" }] });
  expect(aws.asked, "after those that failed, once for all").toHaveLength(3);
});

test("a question is stored and said yes to; where that fails, it shall come again", async () => {
  aws.asked.length = 0;
  const before = await stored();
  expect((await post("subscription")).status).toBe(503);
  aws.confirmation = 200;
  expect((await post("subscription")).status).toBe(200);
  expect(aws.asked).toEqual(
    Array(2).fill(expect.stringMatching(/^\/sns\.us-east-1\.amazonaws\.com\/\?Action=Confirm/)),
  );
  expect(await stored()).toBe(before + 2);
  const events = bridge.logLines.map(({ event }) => event);
  expect(events).toEqual(expect.arrayContaining(["subscription.unconfirmed", "subscription.confirmed"]));
});

test("a question that is not signed is said no to", async () => {
  aws.asked.length = 0;
  expect((await post("subscription", { Token: "another" })).status).toBe(401);
  expect(aws.asked).toEqual([]);
});
