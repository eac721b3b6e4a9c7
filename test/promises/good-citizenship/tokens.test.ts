import axios from "axios";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signer } from "../../fixtures/generic-sms/sign.ts";
import { type Cluster, startCluster } from "../../support/cluster.ts";
import { locationId, publicUrl, smsProviderId } from "../../support/location.ts";
import { until } from "../../support/until.ts";

const address = "+15005550009";
const people = 50;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({
    processes: 3,
    environment: (highlevelUrl) => ({
      HIGHLEVEL_CLIENT_ID: "app-x",
      HIGHLEVEL_CLIENT_SECRET: "secret",
      HIGHLEVEL_AUTHORIZE_URL: `${highlevelUrl}/v2/oauth/chooselocation`,
    }),
  });
  const providers = [{ id: smsProviderId, channel: "sms" as const, extra: true }];
  cluster.sandbox.putLocation({ id: locationId, token: "by hand", providers });
});
afterAll(() => cluster.stop());

const urlOf = (index: number) => cluster.bridges[index % 3]?.url ?? "";

/** A person installs the app in a browser: at the first bridge, HighLevel, and the first bridge again. */
async function install(): Promise<void> {
  const begun = await fetch(`${urlOf(0)}/oauth/install`, { redirect: "manual" });
  const [cookie = ""] = begun.headers.getSetCookie().map((each) => each.split(";")[0]);
  const chosen = await fetch(begun.headers.get("location") ?? "", { redirect: "manual" });
  const back = (chosen.headers.get("location") ?? "").replace(publicUrl, urlOf(0));
  const done = await fetch(back, { headers: { cookie } });
  expect(done.status).toBe(200);
}

async function writeFromAll(mappingId: string, round: string): Promise<string[]> {
  const ids = Array.from({ length: people }, (_, person) => `${round}-${person}`);
  await Promise.all(
    ids.map(async (id, person) => {
      const data = { id, from: `+1500${5_580_000 + person}`, to: address, text: id };
      const sample = { contentType: "application/json", body: { type: "message.received", data } };
      const url = `${publicUrl}/webhooks/${mappingId}`;
      const { headers, body } = signer.sign(sample, { url, at: new Date() });
      await axios.post(url.replace(publicUrl, urlOf(person)), body, { headers });
    }),
  );
  return ids;
}

test("a token expires while 50 conversations wait in 3 processes: one refresh, each message once, none dead", async () => {
  const { sandbox, admin } = cluster;
  const { clientId, clientSecret } = { clientId: "app-x", clientSecret: "secret" };
  sandbox.setOauth({ clientId, clientSecret, chosen: { locationId }, refreshGraceSeconds: 0 });
  await install();
  const mapping = { locationId, provider: "generic-sms", address, conversationProviderId: smsProviderId };
  const { id: mappingId } = await admin("POST", "/mappings?check=false", {
    ...mapping,
    credentials: signer.credentials,
  });

  const expected: string[] = [];
  const untilAllPosted = () =>
    until(
      () => sandbox.messages().length,
      (count) => count >= expected.length,
    );
  expected.push(...(await writeFromAll(mappingId, "before")));
  await untilAllPosted();
  expect(sandbox.refreshCount()).toBe(0);

  // HighLevel refuses the token before its time: all processes know it, and all find out at once.
  sandbox.expireAccessTokens();
  sandbox.setFaults([{ kind: "delay", delayMs: 100, path: "/oauth/token" }]);
  expected.push(...(await writeFromAll(mappingId, "refused")));
  await untilAllPosted();
  expect(sandbox.refreshCount()).toBe(1);

  // It says itself that its time is over.
  sandbox.setOauth({ accessTokenSeconds: 1 });
  await install();
  sandbox.setOauth({ accessTokenSeconds: 86_399 });
  sandbox.expireAccessTokens();
  expected.push(...(await writeFromAll(mappingId, "expired")));
  await untilAllPosted();
  expect(sandbox.refreshCount()).toBe(2);

  const posted = sandbox.messages().map(({ altId }) => altId);
  expect(posted.toSorted()).toEqual(expected.toSorted());
  expect((await admin("GET", "/deliveries?state=dead")).items).toEqual([]);
  expect((await admin("GET", `/locations/${locationId}`)).paused).toBeNull();
}, 60_000);
