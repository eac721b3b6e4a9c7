import { type ClientRequest, get } from "node:http";
import { adminApiKey } from "../bridge.ts";
import { answerQuestions } from "./talk.ts";

/** Watches `GET /admin/live`, many at once, in a process of its own: each reads all that it is told. */

let watchers: ClientRequest[] = [];
let bytes = 0;

function watch(port: number): Promise<ClientRequest> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${adminApiKey}` };
    const request = get({ host: "127.0.0.1", port, path: "/admin/live", headers, agent: false }, (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`a watcher was answered ${answer.statusCode}`));
      answer.on("data", (chunk: Buffer) => (bytes += chunk.length)).on("error", () => undefined);
      resolve(request);
    });
    request.on("error", reject);
  });
}

const questions = {
  /** Those that watch already go on. */
  async begin({ port, count }: { port: number; count: number }) {
    if (watchers.length === 0) watchers = await Promise.all(Array.from({ length: count }, () => watch(port)));
  },
  end() {
    for (const watcher of watchers) watcher.destroy();
    watchers = [];
  },
  /** What all of them have read so far. */
  bytes: () => bytes,
};
export type Watchers = typeof questions;
answerQuestions(questions);
