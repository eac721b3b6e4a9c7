import { setTimeout as sleep } from "node:timers/promises";
import type { StoredMessage } from "../src/sandbox/state.ts";
import type { StandInMessage } from "../test/support/stand-ins/stand-in.ts";
import type { Answer, Scene, Webhook } from "./scenes.ts";
import type { Stage } from "./stage.ts";

export const print = (line = "") => void process.stdout.write(`${line}\n`);

/** One line: what it is, whose, and what is said of it. */
export function tell(label: string, provider: string, words: string): void {
  print(`${label.padEnd(8)}${provider.padEnd(10)}${words}`);
}
const follow = (words: string) => print(`  →     ${words}`);

/** Plays a scene, tells what came of it, and gives whether it came as it should. */
export function play(stage: Stage, scene: Scene): Promise<boolean> {
  return scene.kind === "in" ? playWebhook(stage, scene) : playAnswer(stage, scene);
}

/** Posts a webhook, and waits for what should come of it. */
async function playWebhook(stage: Stage, scene: Webhook): Promise<boolean> {
  const way = stage.way(scene.provider);
  const { sandbox } = stage;
  const before = sandbox.messages().length;
  const sentBefore = way.standIn.sent.length;
  const { url, headers, body } = scene.sign(way);
  const answer = await fetch(url, { method: "POST", headers, body: new Uint8Array(body) });
  tell("in", scene.provider, `${scene.about}  → ${answer.status}`);
  const arrivedNow = () => sandbox.messages().slice(before);
  // What must not arrive is given as long as a message takes many times over.
  if (scene.arrives === 0) await sleep(700);
  else await waitFor(() => arrivedNow().length >= scene.arrives);
  const arrived = arrivedNow();
  for (const message of arrived) follow(describe(stage, message));
  const isRight =
    answer.status === scene.status &&
    arrived.length === scene.arrives &&
    way.standIn.sent.length === sentBefore &&
    (scene.check?.(arrived, sandbox.messages()) ?? true);
  if (isRight && scene.arrives === 0) follow("nothing comes of it, as it should");
  if (!isRight) print(`  ✗     expected HTTP ${scene.status} and ${scene.arrives} message(s) in HighLevel`);
  return isRight;
}

/** Types an answer as an agent, and waits until HighLevel shows what became of it. */
async function playAnswer({ sandbox, way, told }: Stage, scene: Answer): Promise<boolean> {
  const { sent } = way(scene.provider).standIn;
  const before = sent.length;
  const answered = sandbox.messages().find((message) => message.altId === scene.answers);
  if (!answered) return false;
  const { emailMessageId: replyToMessageId } = answered;
  const typed = replyToMessageId ? { html: `<p>${scene.text}</p>`, replyToMessageId } : { message: scene.text };
  const message = sandbox.sendAsAgent(answered.contactId, typed);
  const delivery = sandbox.webhookCalls().at(-1);
  await waitFor(() => message.status === scene.becomes);
  const [out, ...more] = sent.slice(before);
  tell("out", scene.provider, `${scene.about}  → ${delivery?.status}`);
  follow(out ? describeSent(out) : "nothing goes out");
  const words = out ? told(out).join(", ") : "refused";
  const shown = ["pending", ...(message.statuses ?? [])].join(", ");
  tell("status", scene.provider, `${words}  → HighLevel: ${shown}${message.error ? `: ${message.error.message}` : ""}`);
  const isRight =
    delivery?.status === 200 &&
    message.status === scene.becomes &&
    more.length === 0 &&
    (out !== undefined) === (scene.becomes === "delivered") &&
    (scene.check?.(message, out) ?? true);
  if (!isRight) print(`  ✗     expected it to be ${scene.becomes} in the end`);
  return isRight;
}

const giveUpMs = 10_000;

async function waitFor(isSo: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + giveUpMs;
  while (!isSo() && performance.now() < giveUpAt) await sleep(20);
}

function describe({ sandbox }: Stage, message: StoredMessage): string {
  const contact = sandbox.contacts().find((each) => each.id === message.contactId);
  const thread = message.threadId ? `, thread ${message.threadId.slice(0, 6)}` : "";
  const place = `conversation ${message.conversationId.slice(0, 6)}${thread}`;
  return `HighLevel: from ${contact?.phone ?? contact?.email}: "${message.subject ?? message.body}" (${place})`;
}

export function describeSent({ from, to, subject, text = "", headers }: StandInMessage): string {
  const answered = headers["in-reply-to"];
  const place = answered ? `from ${from}, in reply to ${answered}` : `from ${from}`;
  return `to ${to.join(", ")}: "${shorten(subject ?? text)}" (${place})`;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
