import { afterAll, beforeAll, expect, test } from "vitest";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { signer as whatsapp } from "../fixtures/whatsapp/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";

let bridge: TestBridge;
const ids = { asking: "", other: "" };
beforeAll(async () => {
  bridge = await startTestBridge();
  const { credentials } = whatsapp;
  ids.asking = await bridge.addMapping({ provider: "whatsapp", address: "+15005550009", credentials });
  ids.other = await bridge.addMapping({
    ...{ provider: "telnyx", address: "+15005550019", credentials: telnyx.credentials },
  });
});
afterAll(() => bridge.stop());

const ask = (id: string, token: string) =>
  fetch(`${bridge.url}/webhooks/${id}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${token}`);

test("a provider that asks with the account's secret is answered, and nothing is stored", async () => {
  const answer = await ask(ids.asking, "a-token-of-our-choice");
  expect([answer.status, await answer.text()]).toEqual([200, "1158201444"]);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
  expect((await bridge.admin("GET", `/webhooks?mappingId=${ids.asking}`)).body.items).toEqual([]);
});

test("whoever asks with another secret, or at a URL of nobody, is told nothing", async () => {
  const refused = await ask(ids.asking, "a-token-of-another");
  expect([refused.status, (await refused.text()).includes("1158201444")]).toEqual([401, false]);
  expect((await ask("5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11", "a-token-of-our-choice")).ok).toBe(false);
  expect((await ask(ids.other, "a-token-of-our-choice")).ok).toBe(false);
});

test("tries of secrets are counted as tries of ids are", async () => {
  const statuses = new Set<number>();
  for (let tried = 0; tried < 110; tried++) statuses.add((await ask(ids.asking, `wrong-${tried}`)).status);
  expect(statuses).toEqual(new Set([401, 429]));
});
