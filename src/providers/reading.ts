import { setImmediate as turn } from "node:timers/promises";
import { createLimit, type Limit } from "../concurrency/limit.ts";
import { createThreads, ThreadStopped } from "../concurrency/threads.ts";
import { ParseError } from "../errors.ts";
import type { ProviderEvent, WebhookRequest } from "../model.ts";
import { threadModule } from "../package.ts";
import type { ProviderDocument } from "./declared/document/document.ts";
import { adapterOf, documentOf } from "./registry.ts";

/**
 * Reads what providers posted. Large webhooks are read in threads: whatever they hold, they keep nobody else waiting, and
 * one that takes too long or too much memory ends its thread and not the process. The body of such a webhook goes over to
 * the thread: whoever has it read does not have it any more.
 */
export interface Reading {
  /** As the adapter's `parse` and `nonceOf`. Throws a ParseError, also for what cannot be read within the limits. */
  parse(provider: string, request: WebhookRequest, ownAddress?: string): Promise<ProviderReading>;
  /** As the adapter's `openFiles`; throws the same. */
  openFiles(provider: string, request: WebhookRequest, messageId: string | null): Promise<(Buffer | undefined)[]>;
  stop(): Promise<void>;
}

/** What a provider's webhook says. */
export interface ProviderReading {
  events: ProviderEvent[];
  /** No other webhook of the mapping may have it. */
  nonce: string | undefined;
}

/** What stands in a thread's mail box, and what comes back. */
export interface ReadingInput {
  what: "parse" | "openFiles";
  provider: string;
  request: Pick<WebhookRequest, "url" | "headers" | "body" | "fetchedFrom" | "receivedAt">;
  ownAddress?: string | undefined;
  /** Whose files are opened. */
  messageId?: string | null | undefined;
  /** Of a declared provider: a thread knows none by itself. */
  document?: ProviderDocument | undefined;
}

/** To ask a thread takes longer than reading a smaller one. */
const smallBytes = 100_000;
/** So long smaller ones are read one after another before everything else has a turn. */
const turnMs = 20;
const limits = { maxThreads: 2, maxSeconds: 20, maxMemoryMb: 256 };

/** Reads everything where it is asked. */
export const inlineReading: Reading = {
  async parse(provider, request, ownAddress) {
    const adapter = requireAdapter(provider);
    return { events: await adapter.parse(request, ownAddress), nonce: await adapter.nonceOf?.(request) };
  },
  openFiles: async (provider, request, messageId) =>
    (await requireAdapter(provider).openFiles?.(request, messageId ?? undefined)) ?? [],
  stop: async () => undefined,
};

export function createReading(): Reading {
  const inTurns = createTurns();
  const threads = createThreads<ReadingInput, unknown>({ module: threadModule("providers/reading-thread"), ...limits });

  async function readApart({ request, ...rest }: ReadingInput): Promise<unknown> {
    const { url, headers, body, fetchedFrom, receivedAt } = request;
    try {
      const document = documentOf(rest.provider);
      const read = { ...rest, document, request: { url, headers, body, fetchedFrom, receivedAt } };
      return await threads.run(read, [body]);
    } catch (error) {
      if (error instanceof ThreadStopped) throw new ParseError(`the bridge gave up reading it: ${error.message}`);
      if (error instanceof Error && error.name === "ParseError") throw new ParseError(error.message);
      throw error;
    }
  }

  return {
    async parse(provider, request, ownAddress) {
      if (request.body.length <= smallBytes) {
        return inTurns.run(() => inlineReading.parse(provider, request, ownAddress));
      }
      return (await readApart({ what: "parse", provider, request, ownAddress })) as ProviderReading;
    },
    async openFiles(provider, request, messageId) {
      if (request.body.length <= smallBytes) return inlineReading.openFiles(provider, request, messageId);
      const files = (await readApart({ what: "openFiles", provider, request, messageId })) as
        | (Uint8Array | undefined)[]
        | undefined;
      return (files ?? []).map((file) => file && Buffer.from(file.buffer, file.byteOffset, file.byteLength));
    },
    stop: threads.stop,
  };
}

/** One after another, as each is read at once and in one go. */
function createTurns(): Pick<Limit, "run"> {
  const oneByOne = createLimit(1);
  let beganMs = 0;
  return {
    run: (work) =>
      oneByOne.run(async () => {
        if (performance.now() - beganMs > turnMs) {
          await turn();
          beganMs = performance.now();
        }
        return work();
      }),
  };
}

function requireAdapter(provider: string) {
  const adapter = adapterOf(provider);
  if (!adapter) throw new Error(`there is no adapter for ${provider}`);
  return adapter;
}
