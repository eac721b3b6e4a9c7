import { execFileSync } from "node:child_process";
import type { Lab } from "../lab.ts";
import type { Finding, Row } from "../report.ts";
import { median, quantile } from "../statistics.ts";
import { flow, startOneProcess, untilAccepted } from "../systems.ts";

/** Messages after each of which the memory is read. */
const parts = 40;
/** Half a million messages take longer than a whole run may: it has as many as come in this time. */
const maxSeconds = { whole: 150, alone: 900 };

/** The memory of one process while messages go through it from end to end, as fast as they will. */
export async function measureMemory(lab: Lab): Promise<Finding> {
  const wanted = lab.scaled(500_000);
  const carrier = await startOneProcess(lab);
  const { sandbox, bridge } = carrier;
  const seconds = lab.scaled(lab.isWhole ? maxSeconds.whole : maxSeconds.alone);
  const started = performance.now();
  const megabytes: number[] = [];
  let done = 0;
  while (done < wanted && performance.now() - started < seconds * 1000) {
    const to = Math.min(wanted, done + wanted / parts);
    const { next } = await flow(carrier, { from: done, to });
    done = next;
    megabytes.push(residentMegabytes(bridge.pid));
    if (megabytes.length % (parts / 8) === 0) lab.say(`memory: ${megabytes.at(-1)} MB after ${done} messages`);
  }
  await untilAccepted(sandbox, done);
  await bridge.stop();
  return { measure: "memory", rows: rowsOf({ megabytes, done, wanted }), details: { megabytes } };
}

function rowsOf({ megabytes, done, wanted }: { megabytes: number[]; done: number; wanted: number }): Row[] {
  const quarter = Math.floor(megabytes.length / 4);
  const early = median(megabytes.slice(quarter, 2 * quarter));
  const late = median(megabytes.slice(-quarter));
  const most = Math.round(quantile(megabytes, 1));
  const row: Row = {
    what: `memory (RSS) over ${done} messages, at most`,
    ...{ value: most, unit: "MB", bar: { is: "under", value: 250 } },
  };
  return [
    done < wanted ? { ...row, note: `${wanted} take longer: npm run bench -- --only memory` } : row,
    {
      what: "memory in the last quarter of them, against the second",
      value: late / early,
      unit: "×",
      bar: { is: "under", value: 1.1, because: "not growing" },
      note: `${Math.round(early)} MB, then ${Math.round(late)} MB`,
    },
  ];
}

export function residentMegabytes(pid: number): number {
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) / 1024;
}
