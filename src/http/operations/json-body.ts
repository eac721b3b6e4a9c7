import express, { type RequestHandler } from "express";
import { ParseError } from "../../errors.ts";
import { requireBearableJson } from "../../formats/bearable-json.ts";
import type { BodyMemory } from "../body-memory.ts";
import { callerOf } from "../caller.ts";
import { Problem } from "../problem.ts";
import { declaredBytes } from "../read-body.ts";

/**
 * Bodies are JSON, and say so. They share the memory of webhooks, a key as a mapping does: one whose length is not said
 * beforehand must be small, and none is packed.
 */
export function jsonBody(
  { bodyMemory }: { bodyMemory: BodyMemory },
  limit: number,
  { alsoTakes = [] }: { alsoTakes?: string[] } = {},
): RequestHandler[] {
  const checks = { strict: true, inflate: false, reviver: refuseUnstorable, verify: refuseUnbearable };
  const whole = express.json({ ...checks, limit });
  const small = express.json({ ...checks, limit: Math.min(limit, maxUnsaidBytes) });
  const read: RequestHandler = (req, res, next) => {
    const declared = declaredBytes(req);
    if (declared !== undefined && declared > limit) return whole(req, res, next);
    const hold = bodyMemory.begin(callerOf(res).who, declared ?? (req.is("*/*") === null ? 0 : maxUnsaidBytes));
    res.once("close", () => hold.end());
    return (declared === undefined ? small : whole)(req, res, next);
  };
  return [requireJson(alsoTakes), read];
}

const maxUnsaidBytes = 1_000_000;

/** Before it is parsed: many small values take many times the memory of their bytes. */
function refuseUnbearable(_req: unknown, _res: unknown, body: Buffer): void {
  try {
    requireBearableJson(body);
  } catch (error) {
    throw error instanceof ParseError ? new Problem(413, error.message) : error;
  }
}

/** PostgreSQL holds neither U+0000 nor halves of surrogate pairs. */
function refuseUnstorable(name: string, value: unknown): unknown {
  if ([name, value].every((text) => typeof text !== "string" || (text.isWellFormed() && !text.includes("\0"))))
    return value;
  throw new Error("U+0000, or half of a surrogate pair");
}

/** `curl -d` alone says that it posts a form. */
const requireJson =
  (alsoTakes: string[]): RequestHandler =>
  (req, _res, next) => {
    const hasBody = req.headers["content-length"] !== "0" && req.is("*/*") !== null;
    if (!hasBody || req.is("json") || (alsoTakes.length > 0 && req.is(alsoTakes))) return next();
    throw new Problem(415, "send the body as JSON, with the header Content-Type: application/json");
  };
