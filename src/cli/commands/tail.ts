import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { z } from "zod";
import { type Query, Refusal } from "../call-bridge.ts";
import { addFilters, type Options, readFilters } from "../lists.ts";
import { say, sayJsonLine, showTime } from "../print.ts";
import type { Session } from "../session.ts";

/** What `GET /admin/live` tells, as far as it is shown. */
const happening = z.looseObject({
  what: z.string(),
  at: z.string(),
  messageId: z.number().optional(),
  webhookId: z.number().optional(),
  deliveryId: z.number().optional(),
  locationId: z.string().optional(),
  provider: z.string().optional(),
  kind: z.string().optional(),
  reason: z.string().optional(),
  direction: z.string().optional(),
  address: z.string().optional(),
});
type Happening = z.output<typeof happening>;

/** Before it is connected anew. */
const againMs = 1000;

export function addTail(program: Command, session: Session): void {
  const command = program
    .command("tail")
    .description("a line for each thing that happens, as it happens, until Ctrl+C")
    .option("--problems", "only what is held, refused, not understood, given up or tried again");
  addFilters(command, ["mapping", "location", "direction"])
    .option("--person <address>", "of this person: a mailbox, or the last digits of a number")
    .action(async (options: Options) => {
      const query = readFilters(options);
      const person = typeof options["person"] === "string" ? options["person"] : undefined;
      await follow(session, query, person).catch((error: unknown) => {
        // Ctrl+C is how it ends.
        if (!session.io.signal.aborted) throw error;
      });
    });
}

/** A bridge that ends, as for an upgrade, is waited for; a key that it refuses is not. */
async function follow(session: Session, query: Query, person: string | undefined): Promise<void> {
  const { signal, complain } = session.io;
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    try {
      complain(isFirst ? "Waiting for what comes. Ctrl+C ends it.\n" : "Connecting again.\n");
      for await (const { event, data } of session.bridge().watch("/admin/live", query)) {
        if (event === "missed") complain(`${data} more, too many to be told.\n`);
        else tell(session, happening.parse(JSON.parse(data)), person);
      }
    } catch (error) {
      if (isFirst || signal.aborted || error instanceof Refusal) throw error;
    }
    await sleep(againMs, undefined, { signal }).catch(() => undefined);
  }
}

function tell(session: Session, item: Happening, person: string | undefined): void {
  if (person !== undefined && !isOf(item.address, person)) return;
  if (session.isJson()) sayJsonLine(session, item);
  else say(session, describe(item));
}

function isOf(address: string | undefined, person: string): boolean {
  const digits = person.replace(/\D/g, "");
  if (person.includes("@") || digits.length < 4) return address === person.trim().toLowerCase();
  return address?.endsWith(digits) ?? false;
}

const words: Record<string, string> = { dead: "is dead", retrying: "is tried again" };

function describe({ what, at, kind, reason, ...about }: Happening): string {
  const { messageId, webhookId, deliveryId, direction, address, locationId, provider } = about;
  const way = direction === "inbound" ? "from" : "to";
  const isAboutDelivery = what === "dead" || what === "retrying";
  const parts = [
    messageId === undefined || isAboutDelivery ? undefined : `message ${messageId}`,
    deliveryId !== undefined && isAboutDelivery ? `delivery ${deliveryId}` : undefined,
    messageId === undefined && webhookId !== undefined ? `webhook ${webhookId}` : undefined,
    messageId === undefined && webhookId === undefined ? provider : undefined,
    address && `${way} ${address}`,
    locationId,
    [kind, words[what] ?? what].filter(Boolean).join(" ") + (reason && reason !== what ? `: ${reason}` : ""),
  ];
  return [showTime(at), ...parts].filter(Boolean).join("  ");
}
