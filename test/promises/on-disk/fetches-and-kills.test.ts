import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, startCluster } from "../../support/cluster.ts";
import { failMails } from "../../support/kept-mails.ts";
import { emailProviderId, locationId, publicUrl } from "../../support/location.ts";
import { allCredentials, providerOf } from "../../support/providers.ts";
import { serveStandIns } from "../../support/stand-ins/serve.ts";
import { until } from "../../support/until.ts";
import { writeMessage } from "../../support/write-webhooks.ts";

const resend = providerOf("resend");
let served: Awaited<ReturnType<typeof serveStandIns>>;
let cluster: Cluster;
beforeAll(async () => {
  served = await serveStandIns([]);
  const environment = () => ({ PROVIDERS_URL: served.url, HIGHLEVEL_TIMEOUT_SECONDS: "2" });
  cluster = await startCluster({ processes: 1, environment });
});
afterAll(async () => {
  await cluster.stop();
  await served.stop();
});

test("a mail is fetched again by the next process when one was killed before it kept it, and arrives once", async () => {
  await cluster.connect();
  const mapping = { provider: "resend", address: "support@example.com", credentials: allCredentials(resend) };
  const { id } = await cluster.admin("POST", "/mappings?check=false", {
    ...{ locationId, conversationProviderId: emailProviderId },
    ...mapping,
  });
  for (const place of ["/receiving/", "inbound-cdn"]) {
    const name = `killed-at-${place.replaceAll(/\W/g, "")}`;
    let began = false;
    failMails((url) => {
      if (began || !url.includes(place)) return undefined;
      began = true;
      return "no answer";
    });
    const message = { id: name, from: "ann@example.org", to: "support@example.com", text: name };
    const { headers, body } = writeMessage(resend, message, { url: `${publicUrl}/webhooks/${id}`, at: new Date() });
    const url = `${cluster.bridges.at(-1)?.url}/webhooks/${id}`;
    const answer = await fetch(url, { method: "POST", headers, body: new Uint8Array(body) });
    expect(answer.status).toBe(200);
    await until(
      () => began,
      (isSo) => isSo,
    );
    const [bridge] = cluster.bridges.slice(-1);
    bridge?.kill("SIGKILL");
    await bridge?.exited;
    await cluster.start();
    const found = () => cluster.sandbox.messages().filter(({ altId }) => altId === name);
    await until(found, (all) => all.length > 0, 60);
    await cluster.untilSettled();
    expect(found()).toHaveLength(1);
  }
}, 180_000);
