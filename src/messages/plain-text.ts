import { createThreads } from "../concurrency/threads.ts";
import { threadModule } from "../package.ts";

/** The text of an email that an agent wrote as HTML, for people whose programs show none. */
export interface PlainText {
  /** Never rejects: where the HTML cannot be turned into text in time, it is a notice that says so. */
  of(html: string): Promise<string>;
  stop(): Promise<void>;
}

/** For an email that would keep a thread busy for ever: 300 nested quotes of 100,000 lines, say. */
const notice = "This email can be read as HTML only.";
const limits = { maxThreads: 1, maxSeconds: 5, maxMemoryMb: 256 };

/** Turning deep HTML into text takes time in the square of its size, so it is done in a thread that can be stopped. */
export function createPlainText(): PlainText {
  const threads = createThreads<string, string>({ module: threadModule("messages/plain-text-thread"), ...limits });
  return { of: (html) => threads.run(html).catch(() => notice), stop: threads.stop };
}
