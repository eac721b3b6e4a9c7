import { execFileSync } from "node:child_process";
import type { Lab } from "../lab.ts";
import type { Finding, Row } from "../report.ts";
import { median, quantile } from "../statistics.ts";
import { startOneProcess, untilAccepted } from "./acks.ts";
import { flow } from "./end-to-end.ts";

/** Messages after each of which the memory is read. */
const parts = 40;
const maxSeconds = 600;

/** The memory of one process while half a million messages go through it from end to end, as fast as they will. */
export async function measureMemory(lab: Lab): Promise<Finding> {
  const wanted = lab.scaled(500_000);
  const { client, sandbox, bridge } = await startOneProcess(lab);
  const seconds = lab.scaled(maxSeconds);
  const started = performance.now();
  const megabytes: number[] = [];
  let done = 0;
  while (done < wanted && performance.now() - started < seconds * 1000) {
    const to = Math.min(wanted, done + wanted / parts);
    const { next } = await flow(client, sandbox, { port: bridge.port, from: done, to });
    done = next;
    megabytes.push(residentMegabytes(bridge.pid));
    if (megabytes.length % (parts / 8) === 0) lab.say(`memory: ${megabytes.at(-1)} MB after ${done} messages`);
  }
  await untilAccepted(sandbox, done);
  await bridge.stop();
  return { measure: "memory", rows: rowsOf({ megabytes, done, wanted, seconds }), details: { megabytes } };
}

function rowsOf(run: { megabytes: number[]; done: number; wanted: number; seconds: number }): Row[] {
  const { megabytes, done, wanted, seconds } = run;
  const quarter = Math.floor(megabytes.length / 4);
  const early = median(megabytes.slice(quarter, 2 * quarter));
  const late = median(megabytes.slice(-quarter));
  const most = Math.round(quantile(megabytes, 1));
  const note =
    done < wanted ? `after ${seconds} s it was ${done} of ${wanted} messages, at most ${most} MB` : undefined;
  const rows: Row[] = [
    { what: `memory (RSS) over ${done} messages, at most`, value: most, unit: "MB", bar: { is: "under", value: 250 } },
    {
      what: "memory in the last quarter of them, against the second",
      value: late / early,
      unit: "×",
      bar: { is: "under", value: 1.1, because: "not growing" },
      note: `${Math.round(early)} MB, then ${Math.round(late)} MB`,
    },
  ];
  return note === undefined ? rows : rows.map(({ value: _value, ...row }) => ({ ...row, note }));
}

export function residentMegabytes(pid: number): number {
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) / 1024;
}
