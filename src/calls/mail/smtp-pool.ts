import { createHash } from "node:crypto";
import type { MailServer } from "./mail-server.ts";
import type { SmtpSession } from "./smtp-session.ts";

/** Sessions that are kept for the next mail: servers bound how often somebody may log in. */
export interface SmtpPool {
  /** One that still stands; undefined where there is none. */
  take(server: MailServer): Promise<SmtpSession | undefined>;
  giveBack(server: MailServer, session: SmtpSession): void;
  close(): void;
}

const idleMs = 20_000;
const maxIdle = 200;

export function createPool(): SmtpPool {
  const idle = new Map<string, Map<SmtpSession, NodeJS.Timeout>>();
  let count = 0;
  let isClosed = false;

  function remove(key: string, session: SmtpSession): void {
    const kept = idle.get(key);
    clearTimeout(kept?.get(session));
    if (kept?.delete(session)) count--;
    if (kept?.size === 0) idle.delete(key);
  }

  return {
    async take(server) {
      const key = keyOf(server);
      for (let [session] = idle.get(key)?.keys() ?? []; session; [session] = idle.get(key)?.keys() ?? []) {
        remove(key, session);
        if (await session.isAlive()) return session;
        session.close();
      }
      return undefined;
    },
    giveBack(server, session) {
      if (isClosed || count >= maxIdle) return session.close();
      const key = keyOf(server);
      const end = () => {
        remove(key, session);
        session.close();
      };
      const kept = idle.get(key) ?? new Map();
      idle.set(key, kept.set(session, setTimeout(end, idleMs).unref()));
      count++;
    },
    close() {
      isClosed = true;
      for (const [key, kept] of idle) {
        for (const session of kept.keys()) {
          remove(key, session);
          session.close();
        }
      }
    },
  };
}

/** Who logs in, too: a session is never another one's. */
const keyOf = (server: MailServer) => createHash("sha256").update(JSON.stringify(server)).digest("base64");
