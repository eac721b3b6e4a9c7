import { randomBytes, randomUUID } from "node:crypto";
import pg from "pg";
import { expect, inject, test } from "vitest";
import { signer as telnyx } from "../../fixtures/telnyx/sign.ts";
import { startTestBridge } from "../../support/bridge.ts";
import { copyMigrated, createDatabase } from "../../support/database.ts";
import { locationId, publicUrl } from "../../support/location.ts";
import { startTwoWay } from "../../support/two-way.ts";
import { until } from "../../support/until.ts";

test("encryption keys are rotated to the end while webhooks come in: all arrive, and the old key is needed no more", async () => {
  const [old, next] = [randomBytes(32), randomBytes(32)];
  const bridge = await startTestBridge({ config: { encryptionKeys: [old] } });
  const mappingId = await bridge.addMapping({
    provider: "telnyx",
    address: "+15005550009",
    credentials: telnyx.credentials,
  });
  const ids: string[] = [];
  let isOver = false;
  /** As a provider does: what is not answered by a 2xx comes again. */
  const load = (async () => {
    while (!isOver) {
      const id = randomUUID();
      const payload = {
        ...{ record_type: "message", direction: "inbound", id, type: "SMS", text: `text ${ids.length}`, media: [] },
        ...{ from: { phone_number: "+15005550006" }, to: [{ phone_number: "+15005550009" }], cc: [] },
      };
      const body = { data: { record_type: "event", id: randomUUID(), event_type: "message.received", payload } };
      const webhook = () =>
        telnyx.sign(
          { contentType: "application/json", body },
          { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() },
        );
      await until(
        () => bridge.post(webhook()).catch(() => ({ status: 0 })),
        ({ status }) => status === 200,
      );
      ids.push(id);
    }
  })();
  const moreCame = async () => {
    const before = ids.length;
    await until(
      () => ids.length,
      (count) => count > before + 5,
    );
  };
  const sealedBy = async () => (await bridge.admin("GET", "/status")).body.encryptionKeys as { sealedValues: number }[];

  await moreCame();
  await bridge.restart({ encryptionKeys: [next, old] });
  await moreCame();
  await until(sealedBy, ([, byOld]) => byOld?.sealedValues === 0);
  await bridge.restart({ encryptionKeys: [next] });
  await moreCame();
  isOver = true;
  await load;
  const posted = () => bridge.sandbox.messages().map(({ altId }) => altId);
  expect(await until(posted, (all) => all.length >= ids.length)).toEqual(ids);
  await bridge.stop();
}, 180_000);

test("a restored dump sends nothing to people until told, though it was made before they had it", async () => {
  const [source, elsewhere] = [await copyMigrated(inject), await copyMigrated(inject)];
  const at = ({ url }: { url: string }) => ({ database: { url, poolSize: 10 } });
  const { bridge, ways, answer, stop } = await startTwoWay({ databaseUrl: source.url, config: { holdSends: true } });
  const way = ways["telnyx"];
  if (!way) throw new Error("there is no way telnyx");
  const contact = bridge.sandbox.addContact({ locationId, phone: "+15005552001" });
  bridge.sandbox.sendAsAgent(contact.id, { providerId: way.providerId, message: "Your code is 1234" });
  const hold = async () => (await bridge.admin("GET", "/hold")).body;
  await until(hold, ({ waiting }) => waiting === 1);

  // A dump, made while the message waits; then it goes out.
  await bridge.restart({ ...at(elsewhere), holdSends: false });
  const restored = await createDatabase(inject("postgresUrl"), new URL(source.url).pathname.slice(1));
  for (const { url } of [source, restored]) await runOn(url, "delete from holds");
  await bridge.restart(at(source));
  const [sent] = await until(
    () => way.standIn.sent,
    (all) => all.length === 1,
  );
  if (!sent) throw new Error("nothing was sent");

  await bridge.restart({ ...at(restored), holdSends: true });
  expect(await hold()).toMatchObject({ isHeld: true, startedBy: "HOLD_SENDS", waiting: 1 });
  await answer(way, sent, "after-the-restore", "Thank you");
  await until(
    () => bridge.sandbox.messages().map(({ altId }) => altId),
    (ids) => ids.includes("after-the-restore"),
  );
  expect(way.standIn.sent).toHaveLength(1);
  await bridge.admin("DELETE", "/hold");
  await until(
    () => way.standIn.sent,
    (all) => all.length === 2,
  );
  await stop();
  for (const each of [source, restored, elsewhere]) await each.drop();
}, 180_000);

async function runOn(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
