import { afterAll, beforeAll, expect, test } from "vitest";
import { signIn } from "../console/sign-in.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { adminApiKey, startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { until } from "../support/until.ts";

let bridge: TestBridge;
let mapping: string;

beforeAll(async () => {
  bridge = await startTestBridge();
  mapping = await bridge.addMapping({
    ...{ provider: "generic-sms", address: "+15005550009", credentials: genericSms.credentials },
  });
});
afterAll(() => bridge.stop());

async function write(id: string): Promise<void> {
  const data = { id, from: "+15005550006", to: "+15005550009", text: "hi" };
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  await bridge.post(genericSms.sign(sample, { url: `${publicUrl}/webhooks/${mapping}`, at: new Date() }));
}
const overview = async () => (await bridge.admin("GET", "/overview")).body;
const pageOf = async (path: string) => {
  const cookie = await signIn(bridge, adminApiKey);
  return (await fetch(`${bridge.url}/console${path}`, { headers: { cookie } })).text();
};

test("that HighLevel refuses a token is said with the location, since when, and how many wait, and where to mend it", async () => {
  bridge.sandbox.revokeToken(locationId);
  await write("m-1");
  const stopped = await until(overview, ({ stoppedLocations }) => stoppedLocations.length > 0);
  await write("m-2");
  const { says, stoppedLocations } = await until(overview, ({ waiting }) => waiting.count === 2);
  expect(says).toMatch(/^HighLevel refuses Test's token since \d\d:\d\d UTC: 2 wait\.$/);
  expect(stoppedLocations).toMatchObject([
    { id: locationId, auth: "token", reason: "unauthorized", since: stopped.stoppedLocations[0].since },
  ]);
  const href = `/console/do/putLocation?locationId=${locationId}`;
  for (const path of ["", `/locations/${locationId}`])
    expect(await pageOf(path)).toMatch(new RegExp(`href="${href.replace("?", "\\?")}"[^>]*>Reconnect<`));
  await bridge.admin("PUT", `/locations/${locationId}`, { name: "Test", token: "another" });
  const after = (await bridge.admin("GET", `/locations/${locationId}`)).body;
  expect(after.paused?.since ?? null).not.toBe(stopped.stoppedLocations[0].since);
});
