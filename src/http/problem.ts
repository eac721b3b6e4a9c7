import { STATUS_CODES } from "node:http";
import type { ErrorRequestHandler, Request, RequestHandler } from "express";
import { z } from "zod";
import { InvalidRequest } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import { databaseTroubles, isTimeout, isUnavailable, troubleOf } from "../store/postgres/database-errors.ts";

/** An answer other than the one that was asked for, as RFC 9457 problem details: https://www.rfc-editor.org/rfc/rfc9457 */
export class Problem extends Error {
  override name = "Problem";
  readonly status: number;
  readonly errors: { path: string; message: string }[];
  readonly headers: Record<string, string>;
  /** Further members of the answer. */
  readonly extensions: Record<string, unknown>;

  constructor(
    status: number,
    detail: string,
    more: {
      errors?: { path: string; message: string }[];
      headers?: Record<string, string>;
      extensions?: Record<string, unknown>;
    } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = more.errors ?? [];
    this.headers = more.headers ?? {};
    this.extensions = more.extensions ?? {};
  }
}

/** An answer must not be many times longer than what it answers. */
const maxErrors = 10;
const maxWords = 300;

/** The path of a field that the query or body got wrong, and what would fit. Throws a 422. */
export function parseInput<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const errors = issues
    .slice(0, maxErrors)
    .map((issue) => ({ path: issue.path.join(".").slice(0, maxWords), message: issue.message.slice(0, maxWords) }));
  const more = issues.length > maxErrors ? `: the first ${maxErrors} of ${issues.length}` : "";
  throw new Problem(422, `some fields are missing or wrong${more}`, { errors });
}

/** The same of a query. A parameter that the route does not take is refused: it would narrow nothing, unseen. */
export function parseQuery<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  query: unknown,
): z.output<z.ZodObject<Shape>> {
  const known = Object.keys(schema.shape);
  const unknown = Object.keys(query ?? {}).filter((name) => !known.includes(name));
  if (unknown.length === 0) return parseInput(schema, query);
  const takes = known.length === 0 ? "this route takes no query" : `this route takes ${known.join(", ")}`;
  const errors = unknown
    .slice(0, maxErrors)
    .map((name) => ({ path: name.slice(0, maxWords), message: `is unknown: ${takes}` }));
  throw new Problem(422, "some parameters of the query are unknown", { errors });
}

/** A row's id in a path; anything else is not there. */
export function parseId(text: unknown, what: string): number {
  const id = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).safeParse(text);
  if (!id.success) throw new Problem(404, `there is no ${what} ${String(text).slice(0, maxWords)}`);
  return id.data;
}

export const notFound: RequestHandler = (req) => {
  throw nothingAt(`${req.method} ${req.path}`);
};

export const nothingAt = (place: string) => new Problem(404, `there is nothing at ${place.slice(0, maxWords)}`);

const statusOfKind = { invalid: 422, conflict: 409, not_found: 404 };

const maxDetail = 600;

/** The last of all middleware: every error becomes a problem without a stack trace. */
export function problems(log: Log): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) return next(error);
    const problem = asProblem(error);
    if (problem.status === 500)
      log("error", "request.broke", { method: req.method, ...routeOf(req), ...describeError(error) });
    res
      .status(problem.status)
      .set(problem.headers)
      .type("application/problem+json")
      .send(
        JSON.stringify({
          type: "about:blank",
          title: STATUS_CODES[problem.status],
          status: problem.status,
          // An id of thousands of signs that is unknown is not said back whole.
          detail: problem.message.slice(0, maxDetail).toWellFormed(),
          ...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
          ...problem.extensions,
        }),
      );
  };
}

/** The route's pattern: a path may hold a person's address. */
function routeOf(req: Request): { route: string } {
  const route = req.route as { path?: unknown } | undefined;
  return { route: `${req.baseUrl}${String(route?.path ?? "")}` };
}

/** What Express and its body parsers throw: an error with the status that it means. */
const httpError = z.object({ status: z.number().int().min(400).max(499), type: z.string().optional() });

const details: Record<string, string> = {
  "entity.too.large": "the body is larger than the limit that is set",
  "entity.parse.failed": "the body is not JSON, or holds U+0000 or half of a surrogate pair",
  "encoding.unsupported": "a compressed body is not taken: send it as it is",
  "request.aborted": "the request ended before its body did",
  "request.size.invalid": "the body is not as long as its Content-Length says",
};

/** What an error means to who called. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InvalidRequest)
    return new Problem(statusOfKind[error.kind], error.message, { errors: error.errors });
  if (isTimeout(error)) {
    return new Problem(503, "the database needs too long for it: narrow the query, to a mapping, a state or a time");
  }
  if (isUnavailable(error)) {
    return new Problem(503, `the database is away: ${databaseTroubles[troubleOf(error)]}`, {
      headers: { "Retry-After": "5" },
    });
  }
  const known = httpError.safeParse(error);
  if (known.success)
    return new Problem(known.data.status, details[known.data.type ?? ""] ?? "the request cannot be read");
  return new Problem(500, "the bridge failed to answer; its log says where");
}

/** What was done, or why it is refused: for a caller within the process, who goes on with either. */
export async function tryTo<Done>(doing: Promise<Done>): Promise<{ done: Done } | { problem: Problem }> {
  try {
    return { done: await doing };
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 500) throw error;
    return { problem };
  }
}
