import type { Request } from "express";
import type { BodyHold } from "./body-memory.ts";
import { Problem } from "./problem.ts";

/** How a body is taken in that is larger than the limit: so much of it as the limit allows is kept. */
export interface BodyRest {
  /** The largest body that is read to its end. */
  limitBytes: number;
  /** Is given the beginning, once there is more than it; what it gives takes the rest as that comes. */
  begin(beginning: Buffer): (chunk: Buffer) => void;
}

/**
 * The exact bytes, as they were signed: whatever the content type, never unpacked. Nothing is read of a body whose
 * declared length is over the limit, or that is compressed. Throws a Problem:
 * 400 the connection broke · 413 over the limit · 415 compressed · 503 there is no room for it
 */
export async function readBody(req: Request, limitBytes: number, hold: BodyHold, rest?: BodyRest): Promise<Buffer> {
  if ((req.headers["content-encoding"] ?? "identity").toLowerCase() !== "identity") {
    throw new Problem(415, "a compressed body is not taken: send it as it is");
  }
  if ((declaredBytes(req) ?? 0) > (rest?.limitBytes ?? limitBytes)) throw tooLarge();
  const body = await readAll(req, limitBytes, hold, rest);
  if (!req.complete) throw broken();
  return body;
}

/** More is of one mail, which may be as large as many texts together. */
const largeBytes = 1_000_000;

/** What is left unread is thrown away by the server, once it has answered. By events: an iterator takes twice as long. */
function readAll(req: Request, limitBytes: number, hold: BodyHold, rest: BodyRest | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Who hung up before is not heard of again.
    if (req.destroyed) throw broken();
    const kept = createKept(req, limitBytes, hold);
    const mostBytes = rest?.limitBytes ?? limitBytes;
    let bytes = 0;
    let takeRest: ((chunk: Buffer) => void) | undefined;
    const take = (chunk: Buffer) => {
      try {
        bytes += chunk.length;
        if (bytes > mostBytes) throw tooLarge();
        const more = kept.add(chunk);
        if (more.length === 0) return;
        takeRest ??= rest?.begin(kept.whole());
        takeRest?.(more);
      } catch (error) {
        kept.clear();
        req.off("data", take);
        reject(error);
      }
    };
    req.on("data", take);
    req.on("end", () => resolve(kept.whole()));
    req.on("error", () => reject(broken()));
    req.on("close", () => {
      if (!req.readableEnded) reject(broken());
    });
  });
}

/** What is kept of a body. What says that it is large is put together as it comes, not held twice at the end. */
function createKept(req: Request, limitBytes: number, hold: BodyHold) {
  const declared = Math.min(declaredBytes(req) ?? 0, limitBytes);
  const place = declared > largeBytes ? Buffer.allocUnsafeSlow(declared) : undefined;
  let chunks: Buffer[] = [];
  let bytes = 0;
  return {
    /** Gives what there is no room for. */
    add(chunk: Buffer): Buffer {
      const room = limitBytes - bytes;
      if (room === 0) return chunk;
      const fits = chunk.length > room ? chunk.subarray(0, room) : chunk;
      hold.grow(fits.length);
      if (place) place.set(fits, bytes);
      else chunks.push(fits);
      bytes += fits.length;
      return chunk.subarray(fits.length);
    },
    whole(): Buffer {
      if (place) return place.subarray(0, bytes);
      // Asked for a second time at the end, they are one.
      if (chunks.length !== 1) chunks = [Buffer.concat(chunks, bytes)];
      return chunks[0] as Buffer;
    },
    clear() {
      chunks = [];
    },
  };
}

/** The Content-Length; undefined where there is none. */
export function declaredBytes({ headers }: Request): number | undefined {
  const length = headers["content-length"];
  return length === undefined ? undefined : Number(length);
}

const broken = () => new Problem(400, "the connection broke before the body was read: send it again");
export const tooLarge = () => new Problem(413, "the body is larger than the limit that is set");
