import { Agent, request } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

/**
 * The other tenant's provider, on a clock of its own: posts one webhook after another, and tells how each was answered and
 * when. A thread, so that what the attacker's requests cost this process is not taken for the bridge's.
 */
const { url, pauseMs } = workerData;
const agent = new Agent({ keepAlive: true });
const waiting = [];
let isBusy = false;

function post({ path, headers, body }) {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const answered = (status) => resolve({ status, ms: performance.now() - startedAt });
    const req = request(new URL(path, url), { method: "POST", headers, agent, timeout: 60_000 }, (res) => {
      res.resume().on("end", () => answered(res.statusCode));
    });
    req.on("timeout", () => req.destroy());
    req.on("error", () => answered(0));
    req.end(Buffer.from(body));
  });
}

async function work() {
  if (isBusy) return;
  isBusy = true;
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    parentPort.postMessage(await post(next));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  isBusy = false;
}

parentPort.on("message", (requests) => {
  waiting.push(...requests);
  void work();
});
