import { parentPort } from "node:worker_threads";

/** The inside of a thread: what it does with each piece of work that `createThreads` gives it. */
export function serveThread<Input, Output>(work: (input: Input) => Output | Promise<Output>): void {
  parentPort?.on("message", async (input: Input) => {
    try {
      parentPort?.postMessage({ output: await work(input) });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
      parentPort?.postMessage({ error: { name, message } });
    }
  });
}
