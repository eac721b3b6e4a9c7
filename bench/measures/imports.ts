import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { addTargets, adminApiKey, type BridgeInUse, startBridgeProcess } from "../bridge.ts";
import type { Lab } from "../lab.ts";
import type { Finding } from "../report.ts";
import { quantile } from "../statistics.ts";
import { connections, locationCount, peoplePerLocation, untilAccepted } from "../systems.ts";
import { messageIdAt, type Traffic } from "../webhooks.ts";

const perSecond = 50;
/** As if five locations imported as fast as HighLevel lets each call it. */
const importedPerSecond = 50;
const messagesEach = 10;
/** Of ten seconds each: an import that is slower than it may be ends without them. */
const maxSlices = 120;

/** What an import costs the messages that come live, in one process: their p99 alone, and while it is read and posted. */
export async function measureImports(lab: Lab): Promise<Finding> {
  const total = lab.scaled(50_000);
  const [warmUp, count, slice] = [10, 30, 10].map((seconds) => perSecond * lab.scaled(seconds)) as [
    number,
    number,
    number,
  ];
  const client = await lab.startClient();
  const sandbox = await lab.startSandbox();
  const bridge = await startBridgeProcess(lab, { DATABASE_URL: await lab.newDatabase(), HIGHLEVEL_URL: sandbox.url });
  const targets = await addTargets(bridge, sandbox, locationCount);
  const traffic: Traffic = { provider: "twilio", targets, people: peoplePerLocation, seed: randomUUID() };
  await client.ask("setTraffic", traffic);
  const paced = async (from: number, messages: number) => {
    const load = { port: bridge.port, connections, perSecond, from, count: messages };
    const { sentAtMs } = await client.ask("pace", load);
    return sentAtMs;
  };
  await paced(0, warmUp);
  const aloneAtMs = await paced(warmUp, count);
  await untilAccepted(sandbox, warmUp + count);
  const begun = performance.now();
  const importing = importFile(bridge, targets[0]?.mappingId ?? "", total);
  const besideAtMs = await paced(warmUp + count, slice);
  const id = await importing;
  // The live ones go on for as long as the import does.
  while ((await progressOf(bridge, id)).state === "running" && besideAtMs.length < maxSlices * slice)
    besideAtMs.push(...(await paced(warmUp + count + besideAtMs.length, slice)));
  const { begun: beside } = await progressOf(bridge, id);
  const besideSeconds = secondsSince(begun);
  const { begun: posted } = await untilDone(bridge, id);
  const tookSeconds = secondsSince(begun);
  const accepted = warmUp + count + besideAtMs.length + total;
  await untilAccepted(sandbox, accepted);
  const acceptedAtMs = new Map(await sandbox.ask("accepted", 0));
  const distinct = await sandbox.ask("distinctCount");
  await bridge.stop();

  const took = (sentAtMs: number[], from: number) =>
    sentAtMs.map((sentAt, index) => (acceptedAtMs.get(messageIdAt(traffic, from + index)) ?? Number.NaN) - sentAt);
  const p99 = {
    alone: quantile(took(aloneAtMs, warmUp), 0.99),
    beside: quantile(took(besideAtMs, warmUp + count), 0.99),
  };
  lab.say(`imports: p99 ${p99.alone.toFixed(1)} ms, beside ${posted} imported ${p99.beside.toFixed(1)} ms`);
  return {
    measure: "imports",
    rows: [
      {
        ...{ what: `live p99 beside ${total} imported, to that alone`, value: p99.beside / p99.alone, unit: "×" },
        bar: { is: "under", value: 1.2 },
        note: `${perSecond} live/s: ${p99.alone.toFixed(1)} ms and ${p99.beside.toFixed(1)} ms; imported in ${Math.round(tookSeconds)} s`,
      },
      {
        ...{ what: "imported beside them", value: Math.round(beside / besideSeconds), unit: "messages/s" },
        note: `of the ${importedPerSecond} that may be begun`,
      },
      {
        ...{ what: "messages doubled", value: accepted - distinct, unit: "" },
        bar: { is: "under", value: 1 },
      },
    ],
    details: { p99, posted, tookSeconds },
  };
}

const secondsSince = (ms: number) => (performance.now() - ms) / 1000;

/** Ten messages of each of many people, in one file. */
async function importFile({ port }: BridgeInUse, mappingId: string, total: number): Promise<number> {
  const rows = Array.from({ length: total }, (_, index) => {
    const person = `+1${2_002_000_000 + Math.floor(index / messagesEach)}`;
    const date = new Date(Date.UTC(2024, 0, 1) + index * 60_000).toISOString();
    return `${date},${index % 2 ? "outbound" : "inbound"},${person},what was said in message ${index},past-${index}`;
  });
  const answer = await fetch(
    `http://127.0.0.1:${port}/admin/imports?mappingId=${mappingId}&perSecond=${importedPerSecond}`,
    {
      method: "POST",
      headers: { authorization: `Bearer ${adminApiKey}`, "content-type": "text/csv" },
      body: ["date,direction,person,text,id", ...rows].join("\n"),
    },
  );
  const made = (await answer.json()) as { id: number };
  if (!answer.ok) throw new Error(`the import was answered ${answer.status}: ${JSON.stringify(made)}`);
  return made.id;
}

async function progressOf(bridge: BridgeInUse, id: number): Promise<{ state: string; begun: number }> {
  return (await bridge.admin("GET", `/imports/${id}`, undefined)) as object as { state: string; begun: number };
}

async function untilDone(bridge: BridgeInUse, id: number): Promise<{ begun: number }> {
  for (;;) {
    const found = await progressOf(bridge, id);
    if (found.state !== "running") return found;
    await sleep(500);
  }
}
