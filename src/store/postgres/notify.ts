import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import pg from "pg";
import { describeError, type Log } from "../../log.ts";
import type { Db } from "./database.ts";
import { prepare } from "./prepare.ts";

/** Wakes the other processes on the same PostgreSQL: https://www.postgresql.org/docs/current/sql-notify.html */
export interface Notifier {
  /** Tells them of this work, soon and not more than once in some milliseconds. Never fails: they look by themselves, too. */
  tell(work: string): void;
  /** Says something to them, once and at once: at most 7,000 bytes. Never fails: it is lost, where the database is away. */
  say(topic: string, words: string): void;
  close(): Promise<void>;
}

export type OnTold = (topic: string | undefined, words: string) => void;

const channel = "conversation_bridge";
const reconnectMs = 1000;
const atOnceMs = 50;

/**
 * Listens on a connection of its own, which it makes again when it breaks; that is logged once. `onTold` gets what others
 * told or said, never what this process did, and `undefined` for "anything", when something may have been told while nobody
 * listened. NOTIFY is a statement of its own: in a transaction it would make all commits wait for each other.
 */
export function createNotifier(options: {
  db: Db;
  url: string;
  log: Log;
  /** At most one NOTIFY per work in this time: every one of them wakes every process. */
  minGapMs: number;
  /** Without it nothing is listened to. */
  onTold: OnTold | undefined;
}): Notifier {
  const self = randomUUID();
  const closing = new AbortController();
  const { db, url, log, minGapMs, onTold } = options;
  const listening = onTold && listenUntil(closing.signal, { url, log, onTold }, self);
  const told = new Map<string, { isAgain: boolean }>();

  async function notify(work: string): Promise<void> {
    const turn = { isAgain: true };
    told.set(work, turn);
    while (turn.isAgain && !closing.signal.aborted) {
      turn.isAgain = false;
      // Polling is beneath it.
      await notifyOthers(db, { channel, payload: `${self} ${work}` }).catch(() => undefined);
      await sleep(minGapMs);
    }
    told.delete(work);
  }

  return {
    tell(work) {
      const turn = told.get(work);
      if (turn) turn.isAgain = true;
      else void notify(work);
    },
    say(topic, words) {
      if (!closing.signal.aborted)
        void notifyOthers(db, { channel, payload: `${self} ${topic} ${words}` }).catch(() => undefined);
    },
    async close() {
      closing.abort();
      await listening;
    },
  };
}

const notifyOthers = prepare<{ channel: string; payload: string }>(
  "notify",
  (value) => sql`select pg_notify(${value("channel")}, ${value("payload")})`,
);

const connection = { keepAlive: true, connectionTimeoutMillis: 5000, application_name: "conversation-bridge" };

async function listenUntil(
  signal: AbortSignal,
  { url, log, onTold }: { url: string; log: Log; onTold: OnTold },
  self: string,
): Promise<void> {
  let isLost = false;
  let wasThere = false;
  while (!signal.aborted) {
    const client = new pg.Client({ ...connection, connectionString: url });
    // Without a listener it would end the process; "end" follows.
    client.on("error", () => undefined);
    client.on("notification", ({ payload = "" }) => {
      const [, from, topic, words = ""] = /^(\S+) (\S+) ?(.*)$/s.exec(payload) ?? [];
      if (from !== self) onTold(topic, words);
    });
    const ended = once(client, "end", { signal }).catch(() => undefined);
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
      if (wasThere) log("info", "notifications.back", {});
      isLost = false;
      wasThere = true;
      onTold(undefined, "");
      // One that has ended is made anew at once: only where it cannot be, is it known what ails the database.
      await ended;
      await sleep(atOnceMs, undefined, { signal }).catch(() => undefined);
    } catch (error) {
      if (!isLost) log("warn", "notifications.lost", describeError(error));
      isLost = true;
      await sleep(reconnectMs, undefined, { signal }).catch(() => undefined);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
