import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import express, { type RequestHandler, type Response, Router } from "express";
import type { Log } from "../../log.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { BodyMemory } from "../body-memory.ts";
import { authenticate, callerOf, type Write } from "../caller.ts";
import { readAsText } from "../csv.ts";
import { patternOf } from "./calls.ts";
import { jsonBody } from "./json-body.ts";
import { isLines, isWrite, jsonLinesType, type Operation, type Reply, requireAllowed } from "./operation.ts";

export interface RoutesContext {
  adminApiKeys: string[];
  db: Db;
  log: Log;
  bodyMemory: BodyMemory;
}

const verbs = { GET: "get", POST: "post", PUT: "put", PATCH: "patch", DELETE: "delete" } as const;

/**
 * The routes of a table: who calls is known, and may, before anything of the body is read. What else is below the path is not
 * there, which is not for strangers to find out.
 */
export function operationRoutes<Context extends RoutesContext>(
  context: Context,
  table: Record<string, Operation<NoInfer<Context>>>,
  { below, bodyLimitBytes, noteWrite }: { below: string; bodyLimitBytes: number; noteWrite: (write: Write) => void },
): Router {
  const router = Router();
  for (const operation of Object.values(table)) {
    const may: RequestHandler = (_req, res, next) => {
      requireAllowed(operation, callerOf(res));
      next();
    };
    router[verbs[operation.method]](
      patternOf(operation.path),
      authenticate(context, isWrite(operation) ? noteWrite : undefined),
      may,
      ...bodyOf(operation, context, bodyLimitBytes),
      async (req, res) => {
        const { params, query, headers, body } = req;
        await send(res, await operation.call(context, { caller: callerOf(res), params, query, headers, body }));
      },
    );
  }
  router.use(below, (req, res, next) => {
    const isReading = req.method === "GET" || req.method === "HEAD";
    return authenticate(context, isReading ? undefined : noteWrite)(req, res, next);
  });
  return router;
}

/** Of one that takes none it is read as well: it must be JSON all the same. */
function bodyOf<Context>(
  { csvLimit, takesLines }: Operation<Context>,
  context: RoutesContext,
  limitBytes: number,
): RequestHandler[] {
  if (csvLimit === undefined) return jsonBody(context, limitBytes);
  const type = ["text/csv", ...(takesLines ? [jsonLinesType] : [])];
  return [
    ...jsonBody(context, limitBytes, { alsoTakes: type }),
    express.raw({ type, limit: csvLimit, inflate: false }),
    readAsText,
  ];
}

export async function send(res: Response, { status, body, headers = {} }: Reply): Promise<void> {
  res.status(status).set(headers);
  if (body === undefined) return void res.end();
  if (isLines(body)) return pipeline(body instanceof Readable ? body : Readable.from(body), res).catch(unlessHungUp);
  res.json(body);
}

function unlessHungUp(error: NodeJS.ErrnoException): void {
  if (error.code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
}
