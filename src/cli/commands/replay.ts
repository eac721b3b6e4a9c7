import type { Command } from "commander";
import { z } from "zod";
import { deliveryKinds } from "../../model.ts";
import type { Query } from "../call-bridge.ts";
import { CommandError, wrongUse } from "../command-error.ts";
import { addFilters, type Options, readFilters } from "../lists.ts";
import { plural, say, sayJson } from "../print.ts";
import type { Session } from "../session.ts";
import { findMessages } from "./messages.ts";
import { followReplay, replay, sayReplay } from "./replays.ts";

const preview = z.looseObject({ counted: z.number() });

interface ReplayOptions {
  delivery?: string;
  webhook?: string;
  webhooks?: string;
}

export function addReplay(program: Command, session: Session): void {
  const command = program
    .command("replay [id]")
    .description(
      "do again what was given up: of a message by any id of it, of one delivery or webhook, or all that fits",
    )
    .option("--delivery <id>", "this delivery, as messages show and problems name it")
    .option("--webhook <id>", "this webhook")
    .option("--webhooks <source>", "failed webhooks instead of dead deliveries: of provider, or of highlevel")
    .option("--per-second <count>", "of all that fits, how many a second go out again at most; 5 if it is not given");
  addFilters(command, ["kind", "reason", "code", "mapping", "account", "location", "address"], true).action(
    async (id: string | undefined, options: Options & ReplayOptions) => {
      const { delivery, webhook, webhooks } = options;
      const single = [id, delivery, webhook].filter((each) => each !== undefined);
      if (single.length > 1) throw wrongUse("one thing at a time: an id, --delivery or --webhook");
      if (delivery !== undefined) return replayOne(session, "deliveries", delivery);
      if (webhook !== undefined) return replayOne(session, "webhooks", webhook);
      if (id !== undefined) return replayMessage(session, id);
      const query = readFilters(options);
      const how = { perSecond: options["perSecond"] === undefined ? undefined : Number(options["perSecond"]) };
      if (webhooks !== undefined) return replayAll(session, { of: "webhooks", ...query, source: webhooks, ...how });
      const kind = await onlyKind(session, query);
      return replayAll(session, { of: "deliveries", ...query, kind, ...how });
    },
  );
}

async function replayOne(session: Session, list: "deliveries" | "webhooks", id: string): Promise<void> {
  if (!/^\d+$/.test(id)) throw wrongUse(`${id} is no id of ${list}`, "bridge problems");
  const answer = await session.bridge().write("POST", `/admin/${list}/${id}/replay`);
  if (session.isJson()) sayJson(session, answer);
  else say(session, "It is on its way again.");
}

const withDeliveries = z.looseObject({
  deliveries: z.array(z.looseObject({ id: z.number(), kind: z.string(), state: z.string() })),
});

async function replayMessage(session: Session, text: string): Promise<void> {
  const [found, ...others] = await findMessages(session, text);
  if (!found || others.length > 0) {
    throw new CommandError(found ? `${text} names several messages` : `no message is called ${text}`, {
      next: `bridge messages show '${text}'`,
    });
  }
  const { deliveries } = withDeliveries.parse(await session.bridge().get(`/admin/messages/${found.id}`));
  const dead = deliveries.filter(({ state }) => state === "dead");
  if (dead.length === 0) {
    throw new CommandError(`nothing of message ${found.id} is dead`, { next: `bridge messages show ${found.id}` });
  }
  await session.confirm(`Replay ${dead.map(({ kind }) => kind).join(" and ")} of message ${found.id}?`);
  for (const { id } of dead) await session.bridge().write("POST", `/admin/deliveries/${id}/replay`);
  if (session.isJson()) sayJson(session, { replayed: dead.length });
  else say(session, `On its way again. bridge messages show ${found.id}`);
}

/** That is named, or the only one of which something fits: what is for people is never replayed with what is for HighLevel. */
async function onlyKind(session: Session, query: Query): Promise<string> {
  const { kind } = query;
  if (typeof kind === "string") return kind;
  const counts = await Promise.all(
    deliveryKinds.map(async (each) => ({
      each,
      count: await countAll(session, { of: "deliveries", ...query, kind: each }),
    })),
  );
  const [only, ...others] = counts.filter(({ count }) => count > 0);
  if (!only) throw new CommandError("nothing dead fits", { next: "bridge problems" });
  if (others.length === 0) return only.each;
  const there = [only, ...others].map(({ each, count }) => `--kind ${each} (${count})`).join(", ");
  throw wrongUse(`which of these? ${there}`);
}

const countAll = async (session: Session, body: Query) =>
  preview.parse(await session.bridge().write("POST", "/admin/replays", { body: { ...body, dryRun: true } })).counted;

/** Counts first, asks, has the bridge do it step by step, and follows that. */
async function replayAll(session: Session, body: Query): Promise<void> {
  const counted = await countAll(session, body);
  if (counted === 0) throw new CommandError("nothing that failed fits", { next: "bridge problems" });
  const what = body["source"] === undefined ? String(body["kind"]) : "failed webhook";
  await session.confirm(`Replay ${plural(counted, what)}?`);
  const { id } = replay.parse(await session.bridge().write("POST", "/admin/replays", { body }));
  const { answer, ended } = await followReplay(session, id);
  if (session.isJson()) return sayJson(session, answer);
  sayReplay(session, ended);
}
