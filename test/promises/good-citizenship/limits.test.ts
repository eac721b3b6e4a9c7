import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";
import pg from "pg";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { startSandbox } from "../../../src/sandbox/sandbox.ts";
import { publicUrl, smsProviderId, until } from "../../support/bridge.ts";
import { type BridgeProcess, spawnBridge } from "../../support/bridge-process.ts";
import { acceptedBy, faultless, idOf, judge, loadProviders } from "../../support/load.ts";
import { createDatabase } from "../../support/postgres.ts";

const adminApiKey = "k".repeat(32);
let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let database: Awaited<ReturnType<typeof createDatabase>>;
let bridges: BridgeProcess[];

beforeEach(async () => {
  // As published: 100 in ten seconds.
  sandbox = await startSandbox();
  for (const id of ["busy", "quiet"]) {
    const providers = [{ id: smsProviderId, channel: "sms" as const, extra: true }];
    sandbox.sandbox.putLocation({ id, token: `token-${id}`, providers });
  }
  database = await createDatabase(inject("postgresUrl"));
  const environment = {
    PUBLIC_URL: publicUrl,
    ADMIN_API_KEY: adminApiKey,
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: randomBytes(32).toString("base64"),
    HIGHLEVEL_URL: sandbox.url,
    HIGHLEVEL_REQUESTS_PER_10_SECONDS: "80",
  };
  bridges = await Promise.all([spawnBridge(environment), spawnBridge(environment), spawnBridge(environment)]);
  await Promise.all(["busy", "quiet"].map((id) => admin("PUT", `/locations/${id}`, { token: `token-${id}` })));
});
afterEach(async () => {
  for (const bridge of bridges) bridge.kill("SIGKILL");
  await Promise.all(bridges.map((bridge) => bridge.exited));
  await sandbox.stop();
  await database.drop();
});

const admin = async (method: string, path: string, data?: unknown) =>
  (
    await axios.request({
      method,
      url: `${bridges[0]?.url}/admin${path}`,
      data,
      headers: { authorization: `Bearer ${adminApiKey}` },
    })
  ).data;

const [twilio, telnyx] = loadProviders;
if (!twilio || !telnyx) throw new Error("no providers");

let turn = 0;
async function post(provider: typeof twilio, mappingId: string, person: number, number: number): Promise<void> {
  const { url, headers, body } = provider?.webhook(mappingId, person, number) ?? { url: "", headers: {}, body: "" };
  await axios.post(`${bridges[turn++ % bridges.length]?.url}${url.slice(publicUrl.length)}`, body, { headers });
}

const accepted = () => acceptedBy(sandbox.sandbox);
const attemptsOf = async (outcome: string) => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const sql = "select count(*)::int as count, count(status)::int as answered from attempts where outcome = $1";
  const { rows } = await client.query(sql, [outcome]).finally(() => client.end());
  return rows[0];
};

test("240 messages of one location through three processes: HighLevel refuses none for its limit, and all come in order", async () => {
  const { id } = await admin("POST", "/mappings", { locationId: "busy", ...twilio.mapping });
  const sent = new Set<string>();
  for (let number = 1; number <= 12; number++) {
    await Promise.all(
      Array.from({ length: 20 }, (_, person) => {
        sent.add(idOf("twilio", person, number));
        return post(twilio, id, person, number);
      }),
    );
  }
  await until(accepted, (all) => all.length >= 240, 110);
  expect(judge(sent, sent, accepted())).toEqual(faultless);
  expect((await attemptsOf("throttled")).answered).toBe(0);
}, 130_000);

/** As if all of them had been stored in an outage. */
async function seedBacklog(mappingId: string, conversations: number, messagesEach: number): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const values = [mappingId, conversations, messagesEach];
  const statement = `
    with people as (
      insert into conversations (location_id, mapping_id, address)
      select 'busy', $1::uuid, '+1501' || to_char(person, 'FM0000000') from generate_series(1, $2::int) person
      returning id
    ), texts as (
      insert into messages (mapping_id, conversation_id, direction, state, provider_message_id, content, received_at)
      select $1::uuid, people.id, 'inbound', 'received', people.id || '-' || number,
        '{"to":["+15005550009"],"cc":[],"bcc":[],"text":"Hi","attachments":[],"inReplyTo":[],"references":[]}', now()
      from people, generate_series(1, $3::int) number
      returning id, conversation_id
    ), line as (
      insert into lanes (conversation_id, kind, location_id, counter, due_at)
      select id, 'post-inbound', 'busy', $3::int, now() from people
    )
    insert into deliveries (kind, conversation_id, number, message_id)
    select 'post-inbound', conversation_id, row_number() over (partition by conversation_id order by id), id from texts`;
  await client.query(statement, values).finally(() => client.end());
}

test("a location with 20,000 messages waiting does not keep another one's messages waiting", async () => {
  const { id: busy } = await admin("POST", "/mappings", { locationId: "busy", ...twilio.mapping });
  const { id: quiet } = await admin("POST", "/mappings", { locationId: "quiet", ...telnyx.mapping });
  await seedBacklog(busy, 2000, 10);
  await until(accepted, (all) => all.length >= 30, 20);
  const waits: number[] = [];
  for (let number = 1; number <= 10; number++) {
    const posted = performance.now();
    await post(telnyx, quiet, 1, number);
    const isThere = () => accepted().some(({ altId }) => altId === idOf("telnyx", 1, number));
    await until(isThere, (is) => is, 5);
    waits.push(performance.now() - posted);
    await sleep(500);
  }
  expect(Math.max(...waits)).toBeLessThan(3000);
  expect((await attemptsOf("throttled")).answered).toBe(0);
}, 60_000);
