import type { Response } from "express";
import type { Reply } from "../operations/operation.ts";
import { send } from "../operations/routes.ts";

/** Sends what may go on after the request: it is cut off within 10 seconds of the end of the session. */
export async function sendWhile(isSignedIn: () => Promise<boolean>, res: Response, reply: Reply): Promise<void> {
  const look = setInterval(async () => {
    if (!(await isSignedIn().catch(() => true))) res.destroy();
  }, lookMs).unref();
  await send(res, reply).finally(() => clearInterval(look));
}

const lookMs = 10_000;
