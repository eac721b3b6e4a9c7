import { setTimeout as sleep } from "node:timers/promises";
import type { ReceiptStatus } from "../src/model.ts";
import type { StandIn, StandInMessage } from "../test/support/stand-ins/stand-in.ts";

/** What becomes of a message that went well, as far as its provider has words for it. */
const fate: ReceiptStatus[] = ["sent", "delivered"];

export interface Living {
  /** Where the provider posts; undefined while nobody has told it. A message may have a callback of its own. */
  webhookUrlOf(provider: string): string | undefined;
  /** How long it waits before each word. */
  waitMs(): number;
  /** A message was taken, or a word on it was. */
  notice(provider: string, message: StandInMessage, status?: ReceiptStatus | undefined): void;
}

export interface Life {
  /** What the bridge has been told of a message so far. */
  told(message: StandInMessage): ReceiptStatus[];
  stop(): void;
}

/** Gives stand-ins a life of their own: they post receipts for each message that they take. */
export function bringToLife(standIns: StandIn[], living: Living): Life {
  const words = new Map<StandInMessage, ReceiptStatus[]>();
  const notice: Living["notice"] = (provider, message, status) => {
    words.set(message, [...(words.get(message) ?? []), ...(status ? [status] : [])]);
    living.notice(provider, message, status);
  };
  const lookAround = () => {
    for (const standIn of standIns) {
      for (const message of standIn.sent.filter((each) => !words.has(each))) {
        notice(standIn.provider, message);
        void tellFate(standIn, message, { ...living, notice });
      }
    }
  };
  const timer = setInterval(lookAround, 20);
  return { told: (message) => words.get(message) ?? [], stop: () => clearInterval(timer) };
}

async function tellFate(standIn: StandIn, message: StandInMessage, living: Living): Promise<void> {
  for (const status of fate.filter((each) => standIn.statuses.includes(each))) {
    await sleep(living.waitMs(), undefined, { ref: false });
    const webhookUrl = message.receiptUrl ?? living.webhookUrlOf(standIn.provider);
    if (webhookUrl === undefined) continue;
    const { url, headers, body } = standIn.receipt(message, status, { url: webhookUrl, at: new Date() });
    // Not taken while the demo stops: then there is nobody to tell it to.
    const answer = await fetch(url, { method: "POST", headers, body: new Uint8Array(body) }).catch(() => undefined);
    if (answer?.ok) living.notice(standIn.provider, message, status);
  }
}
