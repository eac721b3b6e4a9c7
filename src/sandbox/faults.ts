import type { Request, RequestHandler, Response } from "express";
import { z } from "zod";

/** What can go wrong on request. */
export const fault = z.strictObject({
  kind: z.enum([
    /** Answers after `delayMs`. */
    "delay",
    /** Refuses with `status` and does nothing; a 429 carries Retry-After when `retryAfterSeconds` is given. */
    "status",
    /** Cuts the connection before anything is done. */
    "drop",
    /** Does what was asked, and cuts the connection instead of answering. */
    "no-answer",
    /** Does what was asked, and never answers. */
    "hang",
    /** Does what was asked, and cuts the connection in the middle of the answer. */
    "half-answer",
    /** Does what was asked, and answers 200 with something that is not JSON. */
    "bad-json",
  ]),
  /** Only for paths that begin so. */
  path: z.string().default("/"),
  /** Only for that path itself. */
  exact: z.boolean().default(false),
  method: z.enum(["GET", "POST", "PUT", "DELETE"]).optional(),
  /** For how large a part of the calls. */
  rate: z.number().min(0).max(1).default(1),
  /** For how many calls at most. */
  times: z.number().int().min(1).optional(),
  status: z.number().int().min(400).max(599).default(503),
  /** The refusal in the words of a `status`. */
  body: z.record(z.string(), z.unknown()).optional(),
  retryAfterSeconds: z.number().min(0).optional(),
  delayMs: z.number().int().min(0).default(0),
});
export type Fault = z.input<typeof fault>;
type ActiveFault = z.output<typeof fault>;

export interface Faults {
  set(faults: Fault[]): void;
  middleware: RequestHandler;
}

/** Faults are drawn from a generator with a seed, so that a run can be repeated. */
export function createFaults(seed: number): Faults {
  const random = createRandom(seed);
  let active: ActiveFault[] = [];

  const draw = (request: Pick<Request, "path" | "method">): ActiveFault[] => {
    const drawn = active.filter((each) => concerns(each, request) && random() < each.rate);
    for (const each of drawn) if (each.times !== undefined) each.times--;
    active = active.filter((each) => each.times !== 0);
    return drawn;
  };

  return {
    set: (faults) => {
      active = faults.map((each) => fault.parse(each));
    },
    middleware: async (req, res, next) => {
      for (const each of draw(req)) {
        if (each.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, each.delayMs));
        if (each.kind === "drop") return void req.socket.destroy();
        if (each.kind === "status") return refuseBy(each, res);
        if (each.kind !== "delay") spoilAnswer(each.kind, res);
      }
      next();
    },
  };
}

function concerns(fault: ActiveFault, { path, method }: Pick<Request, "path" | "method">): boolean {
  if (fault.method !== undefined && fault.method !== method) return false;
  return fault.exact ? path === fault.path : path.startsWith(fault.path);
}

function refuseBy({ status, retryAfterSeconds, body }: ActiveFault, res: Response): void {
  if (retryAfterSeconds !== undefined) res.set("Retry-After", String(retryAfterSeconds));
  res.status(status).json(body ?? { statusCode: status, message: "fault on request" });
}

function spoilAnswer(kind: ActiveFault["kind"], res: Response): void {
  const spoil: Partial<Record<ActiveFault["kind"], (body: unknown) => void>> = {
    "no-answer": () => res.socket?.destroy(),
    hang: () => undefined,
    "half-answer": (body) => {
      const text = JSON.stringify(body);
      res.writeHead(res.statusCode, { "Content-Type": "application/json", "Content-Length": text.length });
      res.write(text.slice(0, text.length / 2), () => res.socket?.destroy());
    },
    "bad-json": () => res.status(200).type("json").send('{"success":tru'),
  };
  const end = spoil[kind];
  if (end) {
    res.json = (body) => {
      end(body);
      return res;
    };
  }
}

/** mulberry32: small, and good enough to draw faults. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
