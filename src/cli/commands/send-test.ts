import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { z } from "zod";
import { say, sayJson, showDuration } from "../print.ts";
import type { Session } from "../session.ts";
import { mappingPath } from "./change-mappings.ts";
import { type Story, sayNext, story } from "./story.ts";

const posted = z.object({ webhookId: z.number(), text: z.string(), from: z.string(), to: z.string() });
const webhook = z.looseObject({
  state: z.string(),
  reason: z.string().nullable(),
  messages: z.array(z.looseObject({ id: z.number() })),
});

const pollMs = 200;
/** Longer than a few attempts take, and no longer than somebody sits before it. */
const maxMs = 60_000;

export function addSendTest(program: Command, session: Session): void {
  program
    .command("send-test <mapping>")
    .description("post a message to yourself, as its provider would, and follow it into HighLevel")
    .requiredOption(
      "--from <address>",
      "whose message it is to be: your own number or mailbox, a contact in HighLevel then",
    )
    .option("--fixture <name>", "what it says: plain, lines, long, unicode or markup", "plain")
    .action(async (id: string, { from, fixture }: { from: string; fixture: string }) => {
      await session.confirm(`Have a message of ${from} arrive in HighLevel?`);
      const startedAt = performance.now();
      const tell = (what: string) => {
        if (!session.isJson()) say(session, `${showDuration(performance.now() - startedAt).padStart(7)}  ${what}`);
      };
      const answer = await session.bridge().write("POST", `${mappingPath(id)}/send-test`, { body: { from, fixture } });
      const { webhookId, to } = posted.parse(answer);
      tell(`webhook ${webhookId} to ${to}: made, signed, verified and stored`);
      const until = startedAt + maxMs;
      const messageId = await followWebhook(session, webhookId, { tell, until });
      if (messageId === undefined) return session.foundWrong();
      const told = await followMessage(session, messageId, { tell, until });
      if (session.isJson()) sayJson(session, told);
      if (told.deliveries.some(({ state }) => state !== "delivered")) {
        for (const each of told.deliveries) if (!session.isJson()) sayNext(session, each);
        session.foundWrong();
      }
    });
}

interface Following {
  tell(what: string): void;
  /** Then it is given up. */
  until: number;
}

/** Until it is read: gives the message that it brought. */
async function followWebhook(session: Session, id: number, { tell, until }: Following): Promise<number | undefined> {
  for (;;) {
    const { state, reason, messages } = webhook.parse(await session.bridge().get(`/admin/webhooks/${id}`));
    const [message] = messages;
    if (state === "processed" && message) {
      tell(`read, as message ${message.id}`);
      return message.id;
    }
    if (state !== "received") {
      tell(`it is ${state}: ${reason ?? "no message came of it"}`);
      return undefined;
    }
    if (performance.now() > until) {
      tell("still not read: does a worker run? bridge doctor");
      return undefined;
    }
    await sleep(pollMs, undefined, { signal: session.io.signal });
  }
}

/** Until nothing of it waits, with each attempt on the way. */
async function followMessage(session: Session, id: number, { tell, until }: Following): Promise<Story> {
  const shown = new Set<string>();
  for (;;) {
    const told = story.parse(await session.bridge().get(`/admin/messages/${id}`));
    for (const { key, line } of attemptsOf(told).filter((each) => !shown.has(each.key))) {
      shown.add(key);
      tell(line);
    }
    const waits = told.deliveries.some(({ state }) => state === "pending");
    if (told.deliveries.length > 0 && !waits) {
      if (told.highlevelMessageId) tell(`in HighLevel, as ${told.highlevelMessageId}`);
      return told;
    }
    if (performance.now() > until) return told;
    await sleep(pollMs, undefined, { signal: session.io.signal });
  }
}

function attemptsOf({ deliveries }: Story): { key: string; line: string }[] {
  return deliveries.flatMap(({ id, kind, attemptLog }) =>
    attemptLog.map(({ startedAt, outcome, status, durationMs, detail }) => {
      const how = [outcome, status, `in ${showDuration(durationMs)}`].filter((part) => part !== null).join(" ");
      return { key: `${id} ${startedAt}`, line: `${kind}: ${how}${detail ? `: ${detail}` : ""}` };
    }),
  );
}
