import { z } from "zod";
import type { Caller } from "../caller.ts";
import type { Tag } from "../openapi/tags.ts";
import { Problem, parseInput, parseQuery } from "../problem.ts";
import { hideContent, isContent } from "./hide-content.ts";

/** https://github.com/ndjson/ndjson-spec */
export const jsonLinesType = "application/x-ndjson";

/** What is said of an operation, beside its schemas: for the router and for the document of the API. */
interface Description {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As in `/admin/messages/{id}`. */
  path: string;
  tag: Tag;
  /** In one sentence. */
  summary: string;
  /** What else is to know. */
  description?: string;
  /** The holder of ADMIN_API_KEY alone, or any key, as far as it reaches. */
  by: "operator" | "any key";
  /** It asks, and changes nothing, though by POST: keys for reading may as well. */
  isCheck?: boolean;
  /** By status; undefined for an answer without a body. */
  answers: Record<number, z.ZodType | undefined>;
  /** By status, when that is answered: beside what any operation may answer. */
  errors?: Record<number, string>;
  /** The body may be CSV instead, of so many bytes; then the query says the rest, which in JSON the body does. */
  csvLimit?: string | undefined;
  /** Or JSON lines, of as many. */
  takesLines?: true;
}

type Shape = z.core.$ZodLooseShape;
type Nothing = Record<never, never>;

interface Definition<
  Context,
  Params extends Shape,
  Query extends Shape,
  Headers extends Shape,
  Body extends z.ZodType,
  Csv,
  R extends Reply,
> extends Description {
  params?: Params;
  query?: Query;
  headers?: Headers;
  body?: Body;
  csvLimit?: Csv & (string | undefined);
  handle(
    context: Context,
    request: {
      caller: Caller;
      params: z.output<z.ZodObject<Params>>;
      query: z.output<z.ZodObject<Query>>;
      headers: z.output<z.ZodObject<Headers>>;
      body: z.output<Body> | (Csv extends string ? string : never);
    },
  ): Promise<R>;
}

export interface Reply {
  status: number;
  /** Of CSV its lines. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** A request as it came: nothing of it is checked. */
export interface Given {
  caller: Caller;
  params?: unknown;
  query?: unknown;
  headers?: Record<string, unknown>;
  body?: unknown;
}

/** One operation of the API, the same for who calls it over HTTP and for who calls it within the process. */
export interface Operation<Context, R extends Reply = Reply> extends Description {
  params: z.ZodObject;
  query: z.ZodObject;
  headers: z.ZodObject;
  body: z.ZodType | undefined;
  /** Throws a Problem for what the caller may not, and for what does not fit. */
  call(context: Context, given: Given): Promise<R>;
}

/** From its parts. What it does not name, it does not take. */
export function operation<
  Context,
  R extends Reply,
  Params extends Shape = Nothing,
  Query extends Shape = Nothing,
  Headers extends Shape = Nothing,
  Body extends z.ZodType = z.ZodUndefined,
  const Csv = undefined,
>(definition: Definition<Context, Params, Query, Headers, Body, Csv, R>): Operation<Context, R> {
  const { handle, ...description } = definition;
  const params = z.object((definition.params ?? {}) as Params);
  const query = z.object((definition.query ?? {}) as Query);
  const headers = z.object((definition.headers ?? {}) as Headers);
  const { body: bodySchema } = definition;
  const readBody = (given: unknown) => {
    if (!bodySchema) return undefined;
    const isCsv = description.csvLimit !== undefined && typeof given === "string";
    return isCsv ? given : parseInput(bodySchema, given ?? {});
  };
  return {
    ...description,
    params,
    query,
    headers,
    body: bodySchema,
    async call(context, given) {
      requireAllowed(description, given.caller);
      const reply = await handle(context, {
        caller: given.caller,
        params: parseInput(params, given.params ?? {}),
        query: parseQuery(query, given.query ?? {}),
        headers: parseInput(headers, namedHeaders(Object.keys(headers.shape), given.headers)),
        body: readBody(given.body) as z.output<Body>,
      });
      const shown = definition.answers[reply.status];
      if (given.caller.access !== "metadata" || !shown || isLines(reply.body)) return reply;
      return { ...reply, body: hideContent(shown, reply.body) };
    },
  };
}

/** Their names in the document have capitals, and those of a request have none. */
const namedHeaders = (names: string[], given: Record<string, unknown> = {}) =>
  Object.fromEntries(names.map((name) => [name, given[name.toLowerCase()]]));

export const isWrite = ({ method, isCheck = false }: Pick<Description, "method" | "isCheck">) =>
  method !== "GET" && !isCheck;

/** Throws a 403 for who may not at all, whatever the operation is about. */
export function requireAllowed(of: Pick<Description, "method" | "isCheck" | "by" | "answers">, caller: Caller): void {
  if (isWrite(of) && caller.access !== "write")
    throw new Problem(403, "this key is for reading: use one with access write");
  if (caller.access === "metadata" && Object.values(of.answers).some(isContent))
    throw new Problem(403, "this key does not read what people wrote: use one with access read");
  if (of.by === "operator" && caller.who !== "admin") throw new Problem(403, "this is for the holder of ADMIN_API_KEY");
}

/** A body that is sent as it comes, instead of as JSON. */
export const isLines = (body: unknown): body is AsyncIterable<string> =>
  typeof body === "object" && body !== null && Symbol.asyncIterator in body;

export const reply = <const Status extends number, Body>(
  status: Status,
  body: Body,
  headers: Record<string, string> = {},
) => ({ status, body, headers });
