import { parentPort } from "node:worker_threads";
import { handOver } from "./hand-over.ts";

/**
 * The inside of a thread: what it does with each piece of work that `createThreads` gives it. The buffers of
 * its answer that `handedOver` names are not copied.
 */
export function serveThread<Input, Output>(
  work: (input: Input) => Output | Promise<Output>,
  handedOver: (output: Output) => Uint8Array[] = () => [],
): void {
  parentPort?.on("message", async (input: Input) => {
    try {
      const output = await work(input);
      parentPort?.postMessage({ output }, handOver(handedOver(output)));
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
      parentPort?.postMessage({ error: { name, message } });
    }
  });
}
