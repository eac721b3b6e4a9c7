import { adminApiKey } from "../bridge.ts";
import type { Lab } from "../lab.ts";
import { fill, withClient } from "../prefill.ts";
import type { Finding, Row } from "../report.ts";
import { quantile } from "../statistics.ts";
import { startOneProcess, untilAccepted } from "../systems.ts";
import { publicUrl } from "../webhooks.ts";

const perSecond = 200;
/** So long people write who have not written before, each of whom costs calls and rows of its own, and the process is cold. */
const warmUpSeconds = 12;
const connections = 32;
/** One in so many was given up; and as many webhooks were not understood. */
const oneIn = 200;

const paths: Record<string, string> = {
  overview: "",
  messages: "/messages",
  "messages that are dead": "/messages?deliveryState=dead",
  "messages of a person": "/messages?address=%2B15011000007",
  "a message": "/messages/700",
  problems: "/problems",
  "a replay, counted": "/replays/new?of=deliveries&kind=post-inbound&reason=rejected",
  webhooks: "/webhooks",
  "webhooks that failed": "/webhooks?state=failed",
  mappings: "/mappings",
  locations: "/locations",
  live: "/live",
  metrics: "/metrics",
  search: "/search?q=no-such-id",
  settings: "/settings",
};

/** How long each page of the console takes over a million messages, while others come at a steady rate, in one process. */
export async function measurePages(lab: Lab): Promise<Finding> {
  const messages = lab.scaled(1_000_000);
  const { client, sandbox, bridge, databaseUrl } = await startOneProcess(lab);
  lab.say(`pages: filling in ${messages} messages`);
  await fill(databaseUrl, { conversations: Math.ceil(messages / 20), perConversation: 20, state: "delivered" });
  await giveUpSome(databaseUrl);
  const cookie = await signIn(bridge.port);
  const load = { port: bridge.port, connections, perSecond };
  const warmUp = perSecond * lab.scaled(warmUpSeconds);
  await client.ask("pace", { ...load, from: 0, count: warmUp });
  await untilAccepted(sandbox, warmUp);
  const rounds = lab.scaled(40);
  const took: Record<string, number[]> = {};
  let isOver = false;
  let from = warmUp;
  const passing = (async () => {
    while (!isOver) {
      const count = perSecond * 5;
      await client.ask("pace", { ...load, from, count });
      from += count;
    }
  })();
  for (let round = 0; round < rounds; round++) {
    for (const [page, path] of Object.entries(paths)) {
      const ms = await look(bridge.port, cookie, path);
      if (round > 0) took[page] = [...(took[page] ?? []), ms];
    }
  }
  isOver = true;
  await passing;
  await untilAccepted(sandbox, from);
  await bridge.stop();
  const rows = Object.entries(took).map(([page, ms]): Row => {
    const value = quantile(ms, 0.95);
    lab.say(`pages: ${page} ${Math.round(quantile(ms, 0.5))} ms, of 100 95 within ${Math.round(value)} ms`);
    const note = `p50 ${Math.round(quantile(ms, 0.5))} ms, worst ${Math.round(quantile(ms, 1))} ms`;
    return { what: `console, ${page}: p95`, value, unit: "ms", bar: { is: "under", value: 150 }, note };
  });
  return { measure: "pages", rows, details: { messages, perSecond, rounds, took } };
}

async function giveUpSome(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (database) => {
    await database.query(
      `update deliveries set state = 'dead', reason = 'rejected', detail = 'no', died_in = location_id, died_on = mapping_id
       from conversations where conversations.id = conversation_id and deliveries.id % $1 = 0`,
      [oneIn],
    );
    await database.query(
      "update webhooks set state = 'failed', reason = 'no mapping for +1500' || id where id % $1 = 1",
      [oneIn],
    );
    await database.query("vacuum analyze");
  });
}

async function signIn(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/console/sign-in`, {
    ...{ method: "POST", redirect: "manual", headers: { origin: new URL(publicUrl).origin } },
    body: new URLSearchParams({ key: adminApiKey }),
  });
  const [cookie = ""] = answer.headers.getSetCookie();
  return cookie.split(";")[0] ?? "";
}

async function look(port: number, cookie: string, path: string): Promise<number> {
  const started = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}/console${path}`, { headers: { cookie }, redirect: "manual" });
  await answer.text();
  if (answer.status !== 200 && answer.status !== 303 && answer.status !== 404)
    throw new Error(`${path} was answered ${answer.status}`);
  return performance.now() - started;
}
