import http, { type ClientRequest } from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import axios, { AxiosError, type AxiosResponse } from "axios";
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from "request-filtering-agent";
import { Failure } from "../errors.ts";
import { reasonOf } from "./failure-reason.ts";

export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  url: string;
  headers: Record<string, string>;
  query?: Record<string, string | number>;
  /**
   * A plain object is sent as JSON; URLSearchParams and FormData as the forms that they are; a text, a Buffer or a stream
   * byte for byte, with the content type that the headers say. A stream is sent as it comes, and ended with the call.
   */
  body?: unknown;
  /** The whole call is given up when this fires; otherwise after the timeout. */
  signal?: AbortSignal;
}

export interface ApiAnswer {
  status: number;
  headers: Record<string, string>;
  /** Parsed if it is JSON, else the text. */
  body: unknown;
}

/** Makes one call. Resolves for a 2xx; throws a Failure for everything else, with its reason. Never retries. */
export type CallApi = (request: ApiRequest) => Promise<ApiAnswer>;

export interface OpenRequest {
  url: string;
  headers: Record<string, string>;
  signal: AbortSignal;
}

export interface OpenAnswer {
  status: number;
  headers: Record<string, string>;
  /** As it comes, encoded as the headers say. To be read, or destroyed: until then it holds a connection. */
  body: Readable;
}

/** Begins one GET. Resolves for any status, redirects too, as soon as the headers are here; throws a Failure when none come. */
export type OpenUrl = (request: OpenRequest) => Promise<OpenAnswer>;

export interface CallApiOptions {
  timeoutSeconds: number;
  maxSockets: number;
  /**
   * `public` for URLs that came from outside: every address to which a name resolves must be a public one, or the call
   * fails as misconfigured before anything is sent. Environment variables for proxies are ignored then: a proxy would
   * resolve the name on its own.
   */
  guard?: "public";
  /** As in `localhost:8080`: who may be called although the address is not public. */
  allow?: readonly string[];
}

/** The only door out: keep-alive connections, a timeout, no redirects. */
export function createCallApi(options: CallApiOptions): CallApi & { open: OpenUrl; close(): void } {
  const agents = createAgents(options);
  const client = axios.create({
    timeout: options.timeoutSeconds * 1000,
    maxRedirects: 0,
    ...(options.guard ? { proxy: false } : {}),
    transitional: { clarifyTimeoutError: true },
    transformResponse: (data: unknown) => data,
    validateStatus: () => true,
  });

  const callApi: CallApi = async ({ method, url, headers, query, body, signal }) => {
    const response = await client
      .request<string>({
        method,
        url,
        headers,
        params: query,
        // Axios trims a text that is sent as JSON, and quotes it when it is none.
        data: typeof body === "string" ? Buffer.from(body) : body,
        responseType: "text",
        maxContentLength: 10_000_000,
        ...agents.for(url),
        ...(signal ? { signal } : {}),
      })
      .catch((error: unknown) => {
        throw networkFailure(error, url);
      })
      .finally(() => {
        if (body instanceof Readable) body.destroy();
      });
    // Answered before the body had been sent: the connection is of no more use.
    if (body instanceof Readable && !body.readableEnded) (response.request as ClientRequest).destroy();
    const answer = { status: response.status, headers: textHeaders(response), body: parseBody(response.data) };
    if (answer.status < 200 || answer.status > 299) throw refusal(answer);
    return answer;
  };

  const open: OpenUrl = async ({ url, headers, signal }) => {
    const response = await client
      .request<Readable>({ url, headers, signal, responseType: "stream", decompress: false, ...agents.for(url) })
      .catch((error: unknown) => {
        throw networkFailure(error, url);
      });
    return { status: response.status, headers: textHeaders(response), body: response.data };
  };
  return Object.assign(callApi, { open, close: agents.close });
}

interface Agents {
  httpAgent: http.Agent;
  httpsAgent: https.Agent;
}

function createAgents({ maxSockets, guard, allow = [] }: CallApiOptions): { for(url: string): Agents; close(): void } {
  const agentOptions = { keepAlive: true, maxSockets };
  const free = { httpAgent: new http.Agent(agentOptions), httpsAgent: new https.Agent(agentOptions) };
  const filter = { ...agentOptions, denyIPAddressList: publicLookingHosts };
  const guarded = {
    httpAgent: new RequestFilteringHttpAgent(filter),
    httpsAgent: new RequestFilteringHttpsAgent(filter),
  };
  const allowed = new Set(allow.map((each) => each.toLowerCase()));
  return {
    for: (url) => (guard === undefined || allowed.has(hostAndPort(url)) ? free : guarded),
    close: () => {
      for (const { httpAgent, httpsAgent } of [free, guarded]) {
        httpAgent.destroy();
        httpsAgent.destroy();
      }
    },
  };
}

/** Azure's host of each virtual machine: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16 */
const publicLookingHosts = ["168.63.129.16"];

const defaultPorts: Record<string, string> = { "http:": "80", "https:": "443" };

function hostAndPort(url: string): string {
  if (!URL.canParse(url)) return "";
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || defaultPorts[protocol]}`;
}

/**
 * To try the bridge against stand-ins of the providers: with `https://stand-ins.example` a call to
 * `https://api.twilio.com/x` goes to `https://stand-ins.example/api.twilio.com/x`. Without a URL the call is as it was.
 */
export function callStandIns<Request extends { url: string }, Answer>(
  call: (request: Request) => Promise<Answer>,
  providersUrl: string | undefined,
): (request: Request) => Promise<Answer> {
  if (providersUrl === undefined) return call;
  return (request) => call({ ...request, url: request.url.replace(/^https:\/\//i, `${providersUrl}/`) });
}

/** System calls that fail before anything of the request is sent. */
const connecting = new Set(["connect", "getaddrinfo"]);
/** Codes of TLS handshakes that fail: sent before the request as well. */
const handshake = /^(EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL)/;

/** The words of request-filtering-agent, which gives its error no code. */
const notPublic = /^DNS lookup .* is not allowed/;

function networkFailure(error: unknown, url: string): Failure {
  if (!(error instanceof AxiosError)) throw error;
  // What broke a stream that was being sent.
  if (error.cause instanceof Failure) return error.cause;
  if (notPublic.test(error.message)) {
    return new Failure("misconfigured", `${hostAndPort(url)} resolves to an address that is not public`);
  }
  const cause = error.cause as { syscall?: string } | undefined;
  const code = error.code ?? "unknown";
  const hasLeft = !connecting.has(cause?.syscall ?? "") && !handshake.test(code);
  const words = hasLeft ? `the request left, but no whole answer came (${code})` : `no connection (${code})`;
  return new Failure(reasonOf("anybody", { hasLeft }), words, { cause: error });
}

function refusal(answer: ApiAnswer): Failure {
  const { status } = answer;
  return new Failure(reasonOf("anybody", { status }), `HTTP ${status}${wordsOf(answer.body)}`, {
    status,
    retryAfterSeconds: retryAfterSeconds(answer.headers["retry-after"]),
    answer: answer.body,
  });
}

/** The other side's own words and the id under which its support finds the call. Tolerant: edges answer HTML. */
function wordsOf(body: unknown): string {
  if (typeof body !== "object" || body === null) return "";
  const { message, canonicalCode, traceId } = body as Record<string, unknown>;
  const words = [message, canonicalCode, traceId && `traceId ${String(traceId)}`].flat().filter(Boolean).map(String);
  return words.length > 0 ? `: ${words.join(" · ").slice(0, 500)}` : "";
}

/** Seconds, or an HTTP date; https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
export function retryAfterSeconds(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

function textHeaders(response: AxiosResponse): Record<string, string> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
