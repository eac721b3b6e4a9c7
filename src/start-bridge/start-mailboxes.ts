import type { Doors } from "../calls/doors.ts";
import type { Config } from "../config.ts";
import { keepMailboxes, type MailboxesContext } from "../inbox/mailboxes/keep-mailboxes.ts";
import type { Worker } from "../worker.ts";

/** Mail is fetched where workers run. Stand-ins have no mailboxes. */
export function startMailboxes(
  config: Config,
  parts: Pick<MailboxesContext, "db" | "log" | "accounts"> & { doors: Doors; worker: Worker; pollSeconds: number },
): { stop(): Promise<void> }[] {
  const { db, log, accounts, doors, worker, pollSeconds } = parts;
  const { openMailbox } = doors;
  if (config.run === "web" || !openMailbox) return [];
  const times = { pollSeconds: pollSeconds * 5, waitSeconds: pollSeconds * 60 };
  const { publicUrl, bodyLimitBytes } = config;
  return [
    keepMailboxes({
      ...{ db, log, accounts },
      ...times,
      openMailbox,
      publicUrl,
      maxBytes: bodyLimitBytes.email,
      onWork: worker.wake,
    }),
  ];
}
