import { Worker } from "node:worker_threads";
import { handOver } from "./hand-over.ts";

/** Does work that may take too long or too much memory where it can be stopped, and where nobody else waits for it. */
export interface Threads<Input, Output> {
  /**
   * Rejects with what the thread's function threw: an Error of the same name and message. Rejects with a ThreadStopped
   * where it took longer or more memory than it may. Buffers of the input that are handed over are not copied, and empty
   * from then on.
   */
  run(input: Input, handedOver?: Uint8Array[]): Promise<Output>;
  stop(): Promise<void>;
}

export class ThreadStopped extends Error {
  override name = "ThreadStopped";
}

export interface ThreadsOptions {
  /** A module that calls `serveThread`. */
  module: URL;
  maxThreads: number;
  /** For one piece of work, without its waiting for a thread. */
  maxSeconds: number;
  /** Of JavaScript's own memory: what buffers hold is not in it. */
  maxMemoryMb: number;
}

/** How long a thread without work is kept. */
const idleSeconds = 30;

type Answer<Output> = { output: Output } | { error: { name: string; message: string } };

/** Threads start when there is work for them. One that overran its limits is ended, and another one starts in its place. */
export function createThreads<Input, Output>(options: ThreadsOptions): Threads<Input, Output> {
  const { module, maxThreads, maxSeconds, maxMemoryMb } = options;
  const idle: Worker[] = [];
  const waiting: (() => void)[] = [];
  const all = new Set<Worker>();
  let free = maxThreads;

  function start(): Worker {
    const limits = { resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb } };
    const isSource = module.pathname.endsWith(".ts");
    const worker = isSource ? new Worker(loadSource(module), { ...limits, eval: true }) : new Worker(module, limits);
    all.add(worker);
    // What it ends by is told to whoever waits for its work.
    worker.on("error", () => undefined).once("exit", () => all.delete(worker));
    worker.unref();
    return worker;
  }

  function rest(worker: Worker): void {
    idle.push(worker);
    const timer = setTimeout(() => {
      const place = idle.indexOf(worker);
      if (place === -1) return;
      idle.splice(place, 1);
      void worker.terminate();
    }, idleSeconds * 1000);
    timer.unref();
  }

  return {
    async run(input, handedOver = []) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        const worker = idle.pop() ?? start();
        const answer = await ask<Input, Output>(worker, { input, handedOver }, maxSeconds);
        rest(worker);
        if ("output" in answer) return answer.output;
        throw Object.assign(new Error(answer.error.message), { name: answer.error.name });
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free++;
      }
    },
    async stop() {
      idle.length = 0;
      await Promise.all([...all].map((worker) => worker.terminate()));
    },
  };
}

/** A bridge that runs from its source, in development and in tests, has tsx to load it; a thread does not inherit that. */
const loadSource = (module: URL) =>
  `import("tsx/esm/api").then(({ register }) => { register(); return import(${JSON.stringify(module.href)}); })`;

/** One piece of work. A thread that does not answer it in time, or ends over it, is no more. */
function ask<Input, Output>(
  worker: Worker,
  { input, handedOver }: { input: Input; handedOver: Uint8Array[] },
  maxSeconds: number,
): Promise<Answer<Output>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(`it took longer than ${maxSeconds} s`), maxSeconds * 1000);
    const settle = () => {
      clearTimeout(timer);
      worker.off("message", take).off("error", fail).off("exit", leave);
    };
    const take = (answer: Answer<Output>) => {
      settle();
      resolve(answer);
    };
    const end = (why: string) => {
      settle();
      void worker.terminate();
      reject(new ThreadStopped(why));
    };
    const fail = (error: Error & { code?: string }) =>
      end(
        error.code === "ERR_WORKER_OUT_OF_MEMORY"
          ? "it took more memory than it may"
          : `its thread broke: ${error.name}`,
      );
    const leave = () => end("its thread ended");
    worker.on("message", take).on("error", fail).on("exit", leave);
    worker.postMessage(input, handOver(handedOver));
  });
}
