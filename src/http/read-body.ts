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
  const body = await readAll(req, limitBytes, hold);
  if (!req.complete) throw broken();
  return body;
}

/** More is of one mail, which may be as large as many texts together. */
const largeBytes = 1_000_000;

/** What is left unread is thrown away by the server, once it has answered. By events: an iterator takes twice as long. */
function readAll(req: Request, limitBytes: number, hold: BodyHold): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Who hung up before is not heard of again.
    if (req.destroyed) throw broken();
    const chunks: Buffer[] = [];
    // What says that it is large is put together as it comes, not held twice at the end.
    const declared = declaredBytes(req) ?? 0;
    const whole = declared > largeBytes ? Buffer.allocUnsafeSlow(declared) : undefined;
    let bytes = 0;
    const take = (chunk: Buffer) => {
      try {
        bytes += chunk.length;
        if (bytes > limitBytes) throw tooLarge();
        hold.grow(chunk.length);
        if (whole) whole.set(chunk, bytes - chunk.length);
        else chunks.push(chunk);
      } catch (error) {
        chunks.length = 0;
        req.off("data", take);
        reject(error);
      }
    };
    req.on("data", take);
    req.on("end", () => resolve(whole ? whole.subarray(0, bytes) : Buffer.concat(chunks, bytes)));
    req.on("error", () => reject(broken()));
    req.on("close", () => {
      if (!req.readableEnded) reject(broken());
    });
  });
}

/** The Content-Length; undefined where there is none. */
export function declaredBytes({ headers }: Request): number | undefined {
  const length = headers["content-length"];
  return length === undefined ? undefined : Number(length);
}

const broken = () => new Problem(400, "the connection broke before the body was read: send it again");
const tooLarge = () => new Problem(413, "the body is larger than the limit that is set");
