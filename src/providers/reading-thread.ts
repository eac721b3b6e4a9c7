import { ofItsOwn } from "../concurrency/hand-over.ts";
import { serveThread } from "../concurrency/serve-thread.ts";
import { inlineReading, type ReadingInput } from "./reading.ts";
import { declareProvider } from "./registry.ts";

/** What threads of `createReading` run. */
serveThread(
  async ({ what, provider, request, ownAddress, messageId = null, document }: ReadingInput): Promise<unknown> => {
    if (document) declareProvider(document, { file: "handed over" });
    // A Buffer comes as the plain bytes that it is.
    const { body } = request;
    const asItCame = { ...request, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) };
    if (what === "parse") return inlineReading.parse(provider, asItCame, ownAddress);
    const files = await inlineReading.openFiles(provider, asItCame, messageId);
    return files.map((file) => file && ofItsOwn(file));
  },
  (output) => (Array.isArray(output) ? output.filter((file) => file instanceof Uint8Array) : []),
);
