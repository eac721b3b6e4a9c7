import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { answerQuestions } from "./talk.ts";

/** A peer: an HTTP server that can be asked for its port. */
export async function servePeer(listener: RequestListener): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  answerQuestions({ port: () => (server.address() as AddressInfo).port });
}

export type Peer = { port: () => number };
