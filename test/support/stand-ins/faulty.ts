import type { Response } from "express";
import express from "express";
import type { StandIn, StandInMessage } from "./stand-in.ts";

/** How a call fails. */
export type SendFault =
  /** 503: nothing was done. */
  | { kind: "unavailable" }
  /** 429: nothing was done. */
  | { kind: "throttled"; retryAfterSeconds: number }
  /** The provider takes the message and answers 500. */
  | { kind: "broken" }
  /** The provider takes the message, and the connection is cut instead of an answer. */
  | { kind: "cut" }
  /** The provider does not want the message, and says why. One that it has taken before it takes again. */
  | { kind: "refused" };

export interface FaultyOptions {
  /** Asked for each call. */
  draw?: (standIn: StandIn) => SendFault | undefined;
  /** Before anything is done. */
  onCall?: (standIn: StandIn) => Promise<void>;
  /** A message was taken, and the bridge does not know it yet: the call is ended, by the fault if there is one, after this. */
  onTaken?: (standIn: StandIn, message: StandInMessage, fault: SendFault | undefined) => Promise<void>;
  onRefused?: (standIn: StandIn, message: StandInMessage) => void;
}

/** A stand-in whose calls fail as drawn. */
export function makeFaulty(standIn: StandIn, options: FaultyOptions): StandIn {
  const { draw = () => undefined, onCall, onTaken, onRefused } = options;
  const known = new Set<StandInMessage>();
  const takeNew = (): StandInMessage | undefined => {
    // A stand-in keeps a message and answers in one go: what is new has come by this call.
    const message = standIn.sent.at(-1);
    if (!message || known.has(message)) return undefined;
    known.add(message);
    return message;
  };

  const router = express.Router();
  router.use(async (_req, res, next) => {
    await onCall?.(standIn);
    const fault = draw(standIn);
    if (fault?.kind === "unavailable") return void res.status(503).json({});
    if (fault?.kind === "throttled") {
      return void res.status(429).set("Retry-After", String(fault.retryAfterSeconds)).json({});
    }
    const answer = res.json.bind(res);
    res.json = (body) => {
      const message = takeNew();
      if (!message) end(res, fault?.kind === "refused" ? undefined : fault, () => answer(body));
      else if (fault?.kind === "refused") {
        standIn.sent.pop();
        onRefused?.(standIn, message);
        res.status(standIn.refusal.answer.status);
        answer(standIn.refusal.answer.body);
      } else {
        const told = onTaken?.(standIn, message, fault) ?? Promise.resolve();
        void told.then(() => end(res, fault, () => answer(body)));
      }
      return res;
    };
    next();
  });
  router.use(standIn.router);
  return { ...standIn, router };
}

function end(res: Response, fault: SendFault | undefined, answer: () => void): void {
  if (fault?.kind === "cut") res.socket?.destroy();
  else if (fault?.kind === "broken") res.status(500).send("Internal Server Error");
  else answer();
}
