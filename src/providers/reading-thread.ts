import { serveThread } from "../concurrency/serve-thread.ts";
import type { ReadingInput } from "./reading.ts";
import { adapterOf } from "./registry.ts";

/** What threads of `createReading` run. */
serveThread(async ({ what, provider, request, ownAddress }: ReadingInput): Promise<unknown> => {
  // A Buffer comes as the plain bytes that it is.
  const { body } = request;
  const asItCame = { ...request, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) };
  const adapter = adapterOf(provider);
  return what === "parse" ? adapter?.parse(asItCame, ownAddress) : adapter?.openFiles?.(asItCame);
});
