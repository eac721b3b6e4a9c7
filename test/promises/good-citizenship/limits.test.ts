import axios from "axios";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Cluster, startCluster } from "../../support/cluster.ts";
import { acceptedBy, faultless, idOf, judge, loadProviders } from "../../support/load.ts";
import { publicUrl } from "../../support/location.ts";
import { until } from "../../support/until.ts";

let cluster: Cluster;
beforeEach(async () => {
  cluster = await startCluster({
    processes: 3,
    // As published.
    sandbox: { rateLimit: { max: 100, intervalMs: 10_000, perDay: 200_000, sendsRetryAfter: false } },
    // Fewer than by default: what a busy machine lets go late must not come on top of what is due next.
    environment: () => ({ HIGHLEVEL_REQUESTS_PER_10_SECONDS: "60" }),
  });
  await Promise.all([cluster.connect("busy"), cluster.connect("quiet")]);
});
afterEach(() => cluster.stop());

const [twilio, telnyx] = loadProviders;
if (!twilio || !telnyx) throw new Error("no providers");

let turn = 0;
async function post(provider: typeof twilio, mappingId: string, person: number, number: number): Promise<void> {
  const { url, headers, body } = provider?.webhook(mappingId, person, number) ?? { url: "", headers: {}, body: "" };
  await axios.post(`${cluster.bridges[turn++ % 3]?.url}${url.slice(publicUrl.length)}`, body, { headers });
}

const accepted = () => acceptedBy(cluster.sandbox);
const attemptsOf = async (outcome: string) => {
  const client = new pg.Client({ connectionString: cluster.databaseUrl });
  await client.connect();
  const sql = "select count(*)::int as count, count(status)::int as answered from attempts where outcome = $1";
  const { rows } = await client.query(sql, [outcome]).finally(() => client.end());
  return rows[0];
};

test("more messages of one location than its limit, through three processes: HighLevel refuses none, and all come in order", async () => {
  const { id } = await cluster.admin("POST", "/mappings?check=false", { locationId: "busy", ...twilio.mapping });
  const sent = new Set<string>();
  for (let number = 1; number <= 10; number++) {
    await Promise.all(
      Array.from({ length: 10 }, (_, person) => {
        sent.add(idOf("twilio", person, number));
        return post(twilio, id, person, number);
      }),
    );
  }
  await until(accepted, (all) => all.length >= 100, 120);
  expect(judge(sent, sent, accepted())).toEqual(faultless);
  expect((await attemptsOf("throttled")).answered).toBe(0);
}, 180_000);

/** As if all of them had been stored in an outage. */
async function seedBacklog(mappingId: string, conversations: number, messagesEach: number): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.databaseUrl });
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
      insert into lanes (conversation_id, kind, location_id, mapping_id, counter, due_at)
      select id, 'post-inbound', 'busy', $1::uuid, $3::int, now() from people
    )
    insert into deliveries (kind, conversation_id, number, message_id)
    select 'post-inbound', conversation_id, row_number() over (partition by conversation_id order by id), id from texts`;
  await client.query(statement, values).finally(() => client.end());
}

test("a location with 20,000 messages waiting does not keep another one's messages waiting", async () => {
  const { id: busy } = await cluster.admin("POST", "/mappings?check=false", { locationId: "busy", ...twilio.mapping });
  const { id: quiet } = await cluster.admin("POST", "/mappings?check=false", {
    locationId: "quiet",
    ...telnyx.mapping,
  });
  await seedBacklog(busy, 2000, 10);
  await until(accepted, (all) => all.length >= 30);
  const ofBusy = () => cluster.sandbox.messages().filter(({ body }) => body === "Hi").length;
  const overtaking: number[] = [];
  for (let number = 1; number <= 10; number++) {
    const before = ofBusy();
    await post(telnyx, quiet, 1, number);
    const isThere = () => accepted().some(({ altId }) => altId === idOf("telnyx", 1, number));
    await until(isThere, (is) => is);
    overtaking.push(ofBusy() - before);
  }
  // What the busy location's limit lets through within half a minute.
  expect(Math.max(...overtaking)).toBeLessThan(200);
  expect((await attemptsOf("throttled")).answered).toBe(0);
}, 180_000);
