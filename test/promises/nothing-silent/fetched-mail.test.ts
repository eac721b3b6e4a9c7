import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { selectRows } from "../../../src/store/postgres/database.ts";
import { openDatabase } from "../../../src/store/postgres/open-database.ts";
import { pruneStep } from "../../../src/store/retention.ts";
import { restless, startTestBridge, type TestBridge } from "../../support/bridge.ts";
import { copyMigrated } from "../../support/database.ts";
import { failMails } from "../../support/kept-mails.ts";
import { emailProviderId, publicUrl, smsProviderId } from "../../support/location.ts";
import { allCredentials, providerOf } from "../../support/providers.ts";
import { serveStandIns } from "../../support/stand-ins/serve.ts";
import { until } from "../../support/until.ts";
import { type WrittenMessage, writeMessage } from "../../support/write-webhooks.ts";

const resend = providerOf("resend");
let served: Awaited<ReturnType<typeof serveStandIns>>;
let database: Awaited<ReturnType<typeof copyMigrated>>;
let bridge: TestBridge;
beforeAll(async () => {
  served = await serveStandIns([]);
  database = await copyMigrated(inject);
  bridge = await startTestBridge({ databaseUrl: database.url, config: { providersUrl: served.url }, tuning: restless });
});
beforeEach(() => failMails(() => undefined));
afterAll(async () => {
  await bridge.stop();
  await served.stop();
  await database.drop();
});

let mailboxes = 0;
const addMailbox = async (more: Record<string, unknown> = {}) => {
  const address = `box${++mailboxes}@example.com`;
  const mapping = { provider: "resend", address, credentials: allCredentials(resend), ...more };
  return { address, id: await bridge.addMapping({ conversationProviderId: emailProviderId, ...mapping }) };
};
type Mailbox = Awaited<ReturnType<typeof addMailbox>>;
const write = async (
  { id, address }: Mailbox,
  message: Pick<WrittenMessage, "id"> & Partial<WrittenMessage>,
  provider = resend,
) => {
  const whole = { from: "ann@example.org", to: address, text: `The words of ${message.id}`, ...message };
  const posting = { url: `${publicUrl}/webhooks/${id}`, at: new Date() };
  expect((await bridge.post(writeMessage(provider, whole, posting))).status).toBe(200);
};
const posted = (id: string) =>
  until(
    () => bridge.sandbox.messages().find(({ altId }) => altId === id),
    (found) => found !== undefined,
  );
const fetches = async ({ id }: Mailbox) =>
  (await bridge.admin("GET", `/deliveries?kind=fetch-mail&mappingId=${id}`)).body.items as {
    id: number;
    state: string;
    reason: string | null;
    detail: string;
    webhookId: number;
  }[];
const untilFetch = (mailbox: Mailbox, fits: (fetch: Awaited<ReturnType<typeof fetches>>[number]) => boolean) =>
  until(
    () => fetches(mailbox),
    ([newest]) => newest !== undefined && fits(newest),
  );

test("a text from behind an id arrives from the number that the provider's server knows", async () => {
  const waha = providerOf("waha");
  const mapping = { provider: "waha", address: "+15005550009", credentials: allCredentials(waha) };
  const id = await bridge.addMapping({ conversationProviderId: smsProviderId, ...mapping });
  const { request } = waha.fixtures.find(({ name }) => name === "lid")?.fixture ?? {};
  if (!request) throw new Error("there is no lid.json");
  const url = `${publicUrl}/webhooks/${id}`;
  failMails(() => 503);
  expect((await bridge.post(waha.signer.sign(request, { url, at: new Date() }))).status).toBe(200);
  await untilFetch({ id, address: mapping.address }, ({ state, reason }) => state === "pending" && reason !== null);
  failMails(() => undefined);
  const { contactId } = (await posted("3EB0C767D097B7C7C030")) ?? {};
  const found = bridge.sandbox.contacts().find((contact) => contact.id === contactId);
  expect(found).toMatchObject({ phone: "+15005550006" });
});

test.each([503, 429, 500, "no answer", "half an answer"] as const)(
  "a mail waits visibly while its provider does not give it (%s), and arrives in order when it does",
  async (fault) => {
    const mailbox = await addMailbox();
    const name = `down-${String(fault).replaceAll(" ", "-")}`;
    failMails(() => fault);
    await write(mailbox, { id: `${name}-1` });
    await write(mailbox, { id: `${name}-2` });
    const [, first] = await until(
      () => fetches(mailbox),
      (all) => all.at(-1)?.reason !== null && all.length === 2,
    );
    expect(first).toMatchObject({ state: "pending", webhookId: expect.any(Number) });
    expect(bridge.sandbox.messages().filter(({ altId }) => altId?.startsWith(name))).toEqual([]);
    failMails(() => undefined);
    await posted(`${name}-2`);
    const arrived = bridge.sandbox.messages().filter(({ altId }) => altId?.startsWith(name));
    expect(arrived.map(({ altId }) => altId)).toEqual([`${name}-1`, `${name}-2`]);
  },
);

test("a mail that is gone is given up with a reason and what to do, and a replay brings it when it is there again", async () => {
  const mailbox = await addMailbox();
  failMails(() => 410);
  await write(mailbox, { id: "gone-1" });
  const [fetch] = await untilFetch(mailbox, ({ state }) => state === "dead");
  expect(fetch).toMatchObject({ reason: "rejected", detail: expect.stringContaining("has the mail no more") });
  // Others of the same person go on.
  failMails(() => undefined);
  await write(mailbox, { id: "gone-2" });
  await posted("gone-2");
  expect((await bridge.admin("POST", `/deliveries/${fetch?.id}/replay`)).status).toBe(202);
  expect(await posted("gone-1")).toMatchObject({ direction: "inbound" });
});

test("a mail that is not there yet is asked for again", async () => {
  const mailbox = await addMailbox();
  let asked = 0;
  failMails((url) => (url.includes("/receiving/") && ++asked < 3 ? 404 : undefined));
  await write(mailbox, { id: "late-1" });
  await posted("late-1");
  expect(asked).toBe(3);
});

test("a key that opens no mail keeps it until there is another one", async () => {
  const mailbox = await addMailbox({ credentials: { ...allCredentials(resend), apiKey: "re_wrong" } });
  await write(mailbox, { id: "locked-1" });
  const [fetch] = await untilFetch(mailbox, ({ reason }) => reason !== null);
  expect(fetch).toMatchObject({ state: "pending", reason: "misconfigured" });
  await bridge.admin("PATCH", `/mappings/${mailbox.id}`, { credentials: allCredentials(resend) });
  await posted("locked-1");
});

test.each([resend, providerOf("amazon-ses")])(
  "of a mail that is too large the beginning arrives, which says that it was cut: $name",
  async (provider) => {
    const mailbox = await addMailbox({ provider: provider.name, credentials: allCredentials(provider) });
    const large = { id: `large-${provider.name}`, text: `It begins for ${provider.name}. ${"x".repeat(1_000_000)}` };
    await write(mailbox, large, provider);
    const message = await until(
      () => bridge.sandbox.messages().find(({ body }) => body?.includes(`It begins for ${provider.name}.`)),
      (found) => found !== undefined,
    );
    expect(message).toMatchObject({ body: expect.stringContaining("the provider has it whole") });
    expect(await fetches(mailbox)).toMatchObject([{ state: "delivered", reason: null }]);
  },
);

test.each([resend, providerOf("amazon-ses")])(
  "a mail whose server does not say how long it is arrives whole: $name",
  async (provider) => {
    const mailbox = await addMailbox({ provider: provider.name, credentials: allCredentials(provider) });
    failMails(() => "no length");
    await write(mailbox, { id: `unmeasured-${provider.name}` }, provider);
    const message = await until(
      () => bridge.sandbox.messages().find(({ body }) => body?.includes(`The words of unmeasured-${provider.name}`)),
      (found) => found !== undefined,
    );
    expect(message?.body).not.toContain("too large");
  },
);

test("nothing is fetched of a stranger whom the mapping ignores, nor of what is known already", async () => {
  const ignoring = await addMailbox({ unknownSender: "ignore" });
  await write(ignoring, { id: "stranger-1" });
  const webhookOf = async ({ id }: Mailbox) => (await bridge.admin("GET", `/webhooks?mappingId=${id}`)).body.items[0];
  expect(
    await until(
      () => webhookOf(ignoring),
      (webhook) => webhook?.state === "ignored",
    ),
  ).toMatchObject({ reason: expect.stringContaining("unknown_sender") });
  expect(await fetches(ignoring)).toEqual([]);

  const mailbox = await addMailbox();
  await write(mailbox, { id: "twice-1" });
  await posted("twice-1");
  await write(mailbox, { id: "twice-1" });
  expect(
    await until(
      () => webhookOf(mailbox),
      (webhook) => webhook?.state === "ignored",
    ),
  ).toMatchObject({ reason: expect.stringContaining("duplicate") });
  expect(await fetches(mailbox)).toHaveLength(1);
});

test("what is still to be fetched is not pruned, and of a person who is erased nothing is fetched any more", async () => {
  const mailbox = await addMailbox();
  failMails(() => 503);
  await write(mailbox, { id: "erased-1", from: "gone@example.org" });
  const [fetch] = await untilFetch(mailbox, ({ reason }) => reason !== null);
  const { db, close } = await openDatabase({ url: database.url, poolSize: 2, startSeconds: 5 });
  try {
    await pruneStep(db, { retentionDays: 0, rows: 1000 });
    const { body: kept } = await bridge.admin("GET", `/webhooks/${fetch?.webhookId}`);
    expect(Buffer.from(kept.bodyBase64, "base64").toString()).toContain("gone@example.org");
    expect((await bridge.admin("DELETE", "/people/gone@example.org")).status).toBe(200);
    failMails(() => undefined);
    expect(await untilFetch(mailbox, ({ state }) => state !== "pending")).toMatchObject([{ state: "discarded" }]);
    const left = sql`select id from webhooks where id = ${fetch?.webhookId} and body <> ''`;
    expect(await selectRows(db, left)).toEqual([]);
  } finally {
    await close();
  }
});
