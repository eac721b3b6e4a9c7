import { createThreads } from "../../concurrency/threads.ts";
import { threadModule } from "../../package.ts";
import { hasMention } from "./mentions.ts";

/** Where to look, and for what. */
export interface Search {
  words: string[];
  webhooks: { id: number; about: string; body: Uint8Array }[];
}

export interface Mentions {
  /** The ids of those that name one of the words. Rejects where it cannot be told in time. */
  find(search: Search): Promise<number[]>;
  stop(): Promise<void>;
}

/** What is less takes no time that others would notice, also where it is written in every way at once. */
const largeBytes = 10_000;
const limits = { maxThreads: 1, maxSeconds: 120, maxMemoryMb: 1024 };

/** Large mails are looked through in a thread: they keep nobody else waiting. */
export function createMentions(): Mentions {
  const threads = createThreads<Search, number[]>({
    module: threadModule("registry/mentions/mentions-thread"),
    ...limits,
  });
  return {
    async find(search) {
      const bytes = search.webhooks.reduce((sum, { about, body }) => sum + about.length + body.length, 0);
      return bytes < largeBytes ? findInline(search) : threads.run(search);
    },
    stop: threads.stop,
  };
}

export function findInline({ words, webhooks }: Search): number[] {
  const sought = words.map((word) => Buffer.from(word).toString("latin1"));
  const found = webhooks.filter(({ about, body }) => {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    return hasMention(`${Buffer.from(about).toString("latin1")}\n${bytes.toString("latin1")}`, sought);
  });
  return found.map(({ id }) => id);
}
