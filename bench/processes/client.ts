import { setTimeout as sleep } from "node:timers/promises";
import { sharedClockMs } from "../clock.ts";
import { quantile } from "../statistics.ts";
import { messageIdAt, requestAt, type Traffic } from "../webhooks.ts";
import { type Connection, openConnection } from "./connection.ts";
import { answerQuestions } from "./talk.ts";

/** Posts webhooks, as fast as they are answered or so many a second, and says how it went. */

let traffic: Traffic | undefined;
let written: Buffer[] = [];
let writtenFrom = 0;
let allowedUpTo = Number.POSITIVE_INFINITY;
let isOver = false;
/** Of the last load: the numbers of the requests that were answered by 200. */
let acknowledged: number[] = [];

const request = (index: number): Buffer => {
  const known = written[index - writtenFrom];
  if (known) return known;
  if (!traffic) throw new Error("tell the client its traffic first");
  return requestAt(traffic, index);
};

export interface Load {
  port: number;
  connections: number;
  /** Which requests: from this number, up to the other one or until the time is over. */
  from: number;
  to?: number;
  seconds?: number;
}

export interface LoadResult {
  requests: number;
  seconds: number;
  perSecond: number;
  statuses: Record<string, number>;
  /** Connections that broke, as they do when a process is killed. */
  broken: number;
  answerMs: { p50: number; p99: number };
  /** Of one core. */
  clientCpu: number;
  /** The number of the first request that was not made. */
  next: number;
}

const openAll = (port: number, count: number) => Promise.all(Array.from({ length: count }, () => openConnection(port)));

async function load({ port, connections, from, to = Number.POSITIVE_INFINITY, seconds }: Load): Promise<LoadResult> {
  const open = await openAll(port, connections);
  const statuses: Record<string, number> = {};
  const answerMs: number[] = [];
  let next = from;
  let broken = 0;
  isOver = false;
  acknowledged = [];
  const started = sharedClockMs();
  const endsAt = seconds === undefined ? Number.POSITIVE_INFINITY : started + seconds * 1000;
  const cpu = process.cpuUsage();
  const drive = async (connection: Connection) => {
    while (!isOver && next < to && sharedClockMs() < endsAt) {
      if (next >= allowedUpTo) {
        await sleep(5);
        continue;
      }
      const index = next++;
      const sentAt = sharedClockMs();
      const status = await connection.post(request(index));
      answerMs.push(sharedClockMs() - sentAt);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 200) acknowledged.push(index);
    }
  };
  const drives = open.map((connection) => drive(connection).catch(() => void broken++));
  await Promise.all(drives);
  const tookSeconds = (sharedClockMs() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  for (const connection of open) connection.close();
  return {
    requests: answerMs.length,
    seconds: tookSeconds,
    perSecond: answerMs.length / tookSeconds,
    statuses,
    broken,
    answerMs: { p50: quantile(answerMs, 0.5), p99: quantile(answerMs, 0.99) },
    clientCpu: (user + system) / 1e6 / tookSeconds,
    next,
  };
}

/** Posts at a steady rate, whether or not the answers come: waiting for them would hide how late they are. */
async function pace(options: {
  port: number;
  connections: number;
  perSecond: number;
  from: number;
  count: number;
}): Promise<{ sentAtMs: number[]; statuses: Record<string, number> }> {
  const { port, perSecond, from, count } = options;
  const free = await openAll(port, options.connections);
  const sentAtMs: number[] = [];
  const statuses: Record<string, number> = {};
  const underWay: Promise<void>[] = [];
  const post = async (index: number) => {
    let connection = free.pop();
    while (connection?.isOpen() === false) connection = free.pop();
    connection ??= await openConnection(port);
    sentAtMs[index - from] = sharedClockMs();
    const status = await connection.post(request(index));
    statuses[status] = (statuses[status] ?? 0) + 1;
    free.push(connection);
  };
  const started = sharedClockMs();
  for (let number = 0; number < count; number++) {
    const waitMs = started + (number * 1000) / perSecond - sharedClockMs();
    if (waitMs > 0) await sleep(waitMs);
    underWay.push(post(from + number));
  }
  await Promise.all(underWay);
  for (const connection of free) connection.close();
  return { sentAtMs, statuses };
}

const questions = {
  setTraffic: (given: Traffic) => {
    traffic = given;
    written = [];
    allowedUpTo = Number.POSITIVE_INFINITY;
  },
  /** Writes and signs these requests now, so that it costs nothing later. */
  write({ from, to }: { from: number; to: number }) {
    written = [];
    const ahead = Array.from({ length: to - from }, (_, index) => request(from + index));
    written = ahead;
    writtenFrom = from;
  },
  /** Requests from this number on wait. */
  allow: (upTo: number) => {
    allowedUpTo = upTo;
  },
  load,
  pace,
  acknowledgedIds: () => acknowledged.map((index) => (traffic ? messageIdAt(traffic, index) : "")),
  /** Ends the load that is under way. */
  end: () => {
    isOver = true;
  },
};
export type Client = typeof questions;
answerQuestions(questions);
