import { type ClientRequest, get } from "node:http";
import { adminApiKey, type BridgeInUse } from "../bridge.ts";
import type { Lab } from "../lab.ts";
import type { Finding } from "../report.ts";
import { median } from "../statistics.ts";
import { startOneProcess, untilAccepted } from "./acks.ts";
import { flow } from "./end-to-end.ts";

const watcherCount = 20;
const rounds = 3;

/** What twenty watchers of the live page cost: the end-to-end rate with and without them, in turn, in one process. */
export async function measureWatchers(lab: Lab): Promise<Finding> {
  const seconds = lab.scaled(20);
  const { client, sandbox, bridge } = await startOneProcess(lab);
  let { next } = await flow(client, sandbox, { port: bridge.port, from: 0, seconds: lab.scaled(10) });
  const rates = { without: [] as number[], with: [] as number[] };
  let told = 0;
  for (let round = 0; round < rounds; round++) {
    const without = await flow(client, sandbox, { port: bridge.port, from: next, seconds });
    const watchers = await watchBy(bridge, () => told++);
    const watched = await flow(client, sandbox, { port: bridge.port, from: without.next, seconds });
    for (const watcher of watchers) watcher.destroy();
    next = watched.next;
    rates.without.push(without.acceptedPerSecond);
    rates.with.push(watched.acceptedPerSecond);
    lab.say(`watchers: ${Math.round(without.acceptedPerSecond)}/s, with ${Math.round(watched.acceptedPerSecond)}/s`);
  }
  await untilAccepted(sandbox, next);
  await bridge.stop();
  const cost = (1 - median(rates.with) / median(rates.without)) * 100;
  return {
    measure: "watchers",
    rows: [
      {
        ...{ what: `${watcherCount} watchers cost of the end-to-end rate`, value: cost, unit: "%" },
        bar: { is: "under", value: 5 },
        note: `medians of ${rounds} rounds of ${seconds} s; ${told} chunks were read by them`,
      },
    ],
    details: { rates },
  };
}

/** Each reads all that it is told. */
function watchBy({ port }: BridgeInUse, onChunk: () => void): Promise<ClientRequest[]> {
  const watch = () =>
    new Promise<ClientRequest>((resolve, reject) => {
      const headers = { authorization: `Bearer ${adminApiKey}` };
      const request = get({ host: "127.0.0.1", port, path: "/admin/live", headers, agent: false }, (answer) => {
        if (answer.statusCode !== 200) return reject(new Error(`a watcher was answered ${answer.statusCode}`));
        answer.on("data", onChunk).on("error", () => undefined);
        resolve(request);
      });
      request.on("error", reject);
    });
  return Promise.all(Array.from({ length: watcherCount }, watch));
}
