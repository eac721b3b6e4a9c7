import type { Request } from "express";
import type { BodyHold } from "./body-memory.ts";
import { Problem } from "./problem.ts";

/**
 * The exact bytes, as they were signed: whatever the content type, never unpacked. Nothing is read of a body whose
 * declared length is over the limit, or that is compressed. Throws a Problem:
 * 400 the connection broke · 413 over the limit · 415 compressed · 503 there is no room for it
 */
export async function readBody(req: Request, limitBytes: number, hold: BodyHold): Promise<Buffer> {
  if ((req.headers["content-encoding"] ?? "identity").toLowerCase() !== "identity") {
    throw new Problem(415, "a compressed body is not taken: send it as it is");
  }
  if ((declaredBytes(req) ?? 0) > limitBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  // What is left unread is thrown away by the server, once it has answered.
  const body = req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > limitBytes) throw tooLarge();
      hold.grow(chunk.length);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(400, "the connection broke before the body was read: send it again");
  }
  if (!req.complete) throw new Problem(400, "the connection broke before the body was read: send it again");
  return Buffer.concat(chunks, bytes);
}

/** The Content-Length; undefined where there is none. */
export function declaredBytes({ headers }: Request): number | undefined {
  const length = headers["content-length"];
  return length === undefined ? undefined : Number(length);
}

const tooLarge = () => new Problem(413, "the body is larger than the limit that is set");
