import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../lab.ts";
import type { Watchers } from "../processes/watchers.ts";
import type { Finding } from "../report.ts";
import { median, quantile } from "../statistics.ts";
import { flow, startOneProcess, untilAccepted } from "../systems.ts";

const watcherCount = 20;
const pairs = 12;
/** After they have come or gone it is not counted for so long. */
const settleMs = 500;

/**
 * What twenty watchers of the live page cost: within one steady flow they come and go, and short slices without and with them
 * are compared two by two, so that what else the machine does, and what grows, meets both of a pair. Which one is first changes.
 */
export async function measureWatchers(lab: Lab): Promise<Finding> {
  const [warmUpSeconds, sliceSeconds] = [lab.scaled(30), lab.scaled(5)];
  const carrier = await startOneProcess(lab);
  const { client, sandbox, bridge } = carrier;
  const watchers = await lab.start<Watchers>("watchers");
  const flowing = flow(carrier, { from: 0, seconds: 3600 });
  await sleep(warmUpSeconds * 1000);
  const rateWith = async (isWatched: boolean): Promise<number> => {
    if (isWatched) await watchers.ask("begin", { port: bridge.port, count: watcherCount });
    else await watchers.ask("end");
    await sleep(settleMs);
    const [startedAt, before] = [performance.now(), await sandbox.ask("count")];
    await sleep(sliceSeconds * 1000);
    const accepted = (await sandbox.ask("count")) - before;
    return accepted / ((performance.now() - startedAt) / 1000);
  };
  const rates: { without: number; with: number }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const isFirst = pair % 2 === 1;
    const [one, other] = [await rateWith(isFirst), await rateWith(!isFirst)];
    const rate = isFirst ? { without: other, with: one } : { without: one, with: other };
    rates.push(rate);
    lab.say(`watchers: ${Math.round(rate.without)}/s, with ${Math.round(rate.with)}/s`);
  }
  const bytes = await watchers.ask("bytes");
  await watchers.ask("end");
  await client.ask("end");
  await untilAccepted(sandbox, (await flowing).next);
  await bridge.stop();
  const costs = rates.map((rate) => (1 - rate.with / rate.without) * 100);
  const [low, high] = [0.25, 0.75].map((part) => Math.round(quantile(costs, part)));
  return {
    measure: "watchers",
    rows: [
      {
        ...{ what: `${watcherCount} watchers cost of the end-to-end rate`, value: median(costs), unit: "%" },
        bar: { is: "under", value: 5 },
        note: `median of ${pairs} pairs of slices of ${sliceSeconds} s, half of them between ${low} and ${high} %; ${Math.round(bytes / 1e6)} MB were read`,
      },
    ],
    details: { rates },
  };
}
