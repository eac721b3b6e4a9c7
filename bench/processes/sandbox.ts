import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sharedClockMs } from "../clock.ts";
import { loadProduct, type ProductKind } from "../product.ts";
import { answerQuestions, settingsOf } from "./talk.ts";

/** The project's sandbox in place of HighLevel, without a rate limit, which says what it has accepted and when. */

const { product } = settingsOf<{ product: ProductKind }>();
const { createSandbox } = await loadProduct<typeof import("../../src/sandbox/sandbox.ts")>(product, "sandbox/sandbox");
const sandbox = createSandbox({ rateLimit: undefined });
const messages = sandbox.messages();
const acceptedAtMs: number[] = [];

const server = createServer((req, res) => {
  // What is new by then was accepted before: the time is that of the answer, never too early.
  res.once("finish", () => {
    const now = sharedClockMs();
    while (acceptedAtMs.length < messages.length) acceptedAtMs.push(now);
  });
  sandbox.app(req, res);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

const questions = {
  port: () => (server.address() as AddressInfo).port,
  putLocations(locations: Parameters<typeof sandbox.putLocation>[0][]) {
    for (const location of locations) sandbox.putLocation(location);
  },
  count: () => messages.length,
  distinctCount: () => new Set(messages.map((message) => message.altId)).size,
  /** When each message from this one on was accepted, by its id. */
  accepted: (from: number) =>
    messages.slice(from).map((message, index) => [message.altId ?? "", acceptedAtMs[from + index] ?? 0] as const),
};
export type SandboxProcess = typeof questions;
answerQuestions(questions);
