import { z } from "zod";
import { CommandError } from "./command-error.ts";

/** Where a bridge is, and with which key it is asked. */
export interface Login {
  url: string;
  key: string;
}

export type Query = Record<string, string | number | boolean | undefined>;

export interface Ask {
  query?: Query;
  /** An object as JSON; a text, or the bytes of one, as CSV. */
  body?: unknown;
}

export interface Bridge {
  url: string;
  get(path: string, query?: Query): Promise<unknown>;
  write(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, ask?: Ask): Promise<unknown>;
  /** Server-sent events as they come, until the bridge or the connection ends: each by its name, with its data. */
  watch(path: string, query: Query): AsyncIterable<{ event: string; data: string }>;
  /** What it answers, whatever that is. Throws where it does not. */
  look(method: "GET" | "POST", path: string): Promise<Look>;
}

export interface Look {
  status: number;
  body: unknown;
  headers: Headers;
  durationMs: number;
}

/** An answer other than the one that was asked for. */
export class Refusal extends CommandError {
  override name = "Refusal";
  readonly status: number;

  constructor(status: number, message: string, next?: string) {
    super(message, next === undefined ? {} : { next });
    this.status = status;
  }
}

/** A check of a mapping may take 20 seconds, one of many rows longer. */
const maxSeconds = 60;

const problem = z.looseObject({
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).default([]),
});

export function createBridge({ url, key }: Login, signal: AbortSignal): Bridge {
  function open(method: string, path: string, { query = {}, body }: Ask, until: AbortSignal): Promise<Response> {
    const target = new URL(`${url}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    return fetch(target, {
      method,
      headers: { authorization: `Bearer ${key}`, ...contentOf(body).headers },
      ...contentOf(body).init,
      // The key is for this address, and for no other one.
      redirect: "manual",
      signal: until,
    }).catch((error: unknown) => {
      throw signal.aborted ? error : unreachable(url, error);
    });
  }

  async function request(method: string, path: string, ask: Ask = {}): Promise<Look> {
    const startedAt = performance.now();
    const until = AbortSignal.any([signal, AbortSignal.timeout(maxSeconds * 1000)]);
    const answer = await open(method, path, ask, until);
    const text = await answer.text();
    return {
      status: answer.status,
      body: readJson(text),
      headers: answer.headers,
      durationMs: performance.now() - startedAt,
    };
  }

  async function take(method: string, path: string, ask?: Ask): Promise<unknown> {
    const { status, body, headers } = await request(method, path, ask);
    if (status >= 200 && status < 300) return body;
    throw refusalOf(status, body, headers);
  }

  async function* watch(path: string, query: Query) {
    const answer = await open("GET", path, { query }, signal);
    if (!answer.ok || !answer.body) throw refusalOf(answer.status, readJson(await answer.text()), answer.headers);
    let kept = "";
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const blocks = `${kept}${text}`.split("\n\n");
      kept = blocks.pop() ?? "";
      for (const block of blocks) {
        const [, event = "message"] = /^event: (.*)$/m.exec(block) ?? [];
        const [, data] = /^data: (.*)$/m.exec(block) ?? [];
        if (data !== undefined) yield { event, data };
      }
    }
  }

  return {
    url,
    watch,
    get: (path, query) => take("GET", path, query ? { query } : {}),
    write: take,
    look: (method, path) => request(method, path),
  };
}

function contentOf(body: unknown): {
  headers: Record<string, string>;
  init: { body?: string | Uint8Array<ArrayBuffer> };
} {
  if (body === undefined) return { headers: {}, init: {} };
  if (typeof body === "string") return { headers: { "content-type": "text/csv" }, init: { body } };
  if (body instanceof Uint8Array)
    return { headers: { "content-type": "text/csv" }, init: { body: Uint8Array.from(body) } };
  return { headers: { "content-type": "application/json" }, init: { body: JSON.stringify(body) } };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(url: string, error: unknown): CommandError {
  const { cause } = error instanceof Error ? error : {};
  const why = cause instanceof Error ? cause.message || String("code" in cause && cause.code) : String(error);
  return new CommandError(`no bridge answers at ${url}: ${why}`, { next: "bridge doctor" });
}

/** What to run next, where the status alone says it. */
const nextOf: Record<number, string> = {
  401: "bridge login",
  500: "bridge doctor",
  502: "bridge doctor",
  503: "bridge doctor",
};

function refusalOf(status: number, body: unknown, headers: Headers): Refusal {
  if (status >= 300 && status < 400) {
    return new Refusal(
      status,
      `it answers ${status} and sends on to ${headers.get("location")}: that is not followed`,
      "bridge login",
    );
  }
  const { detail, errors } = problem.catch({ errors: [] }).parse(body);
  if (detail === undefined) return new Refusal(status, `what answers there is no bridge: ${status}`, "bridge login");
  const lines = errors.map(({ path, message }) => `  ${path} ${message}`);
  return new Refusal(status, [`the bridge refused it, ${status}: ${detail}`, ...lines].join("\n"), nextOf[status]);
}
