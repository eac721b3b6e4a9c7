import type { ClientRequest } from "node:http";
import { Readable } from "node:stream";
import axios, { AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from "axios";
import { type AgentPair, createFreeAgents, createGuardedAgents } from "./agents.ts";
import { createDeparture } from "./departure.ts";
import { hostAndPort, networkFailure, refusal } from "./failures.ts";
import { createHear } from "./idle-connections.ts";
import { callLimits } from "./limits.ts";
import { parseAnswer } from "./parse-answer.ts";

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
  /** What an access token is fetched by, which goes along as a bearer token: see `withTokens`. */
  grant?: TokenGrant;
  /** The whole call is given up when this fires, and in any case after the timeout. */
  signal?: AbortSignal;
}

/** Client credentials of OAuth 2.0, and where they are given a token for; with a refresh token one for its owner. */
export interface TokenGrant {
  url: string;
  clientId: string;
  clientSecret: string;
  refreshToken?: string | undefined;
  scope?: string | undefined;
  /** They stand in the form, as Google and Microsoft ask for; else in the header. */
  isInForm?: true;
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

/**
 * Begins one GET. Resolves for any status, redirects too, as soon as the headers are here; throws a Failure when none come
 * in time. The signal is heeded until then: how long the body may take is the reader's to say.
 */
export type OpenUrl = (request: OpenRequest) => Promise<OpenAnswer>;

export interface CallApiOptions {
  /** The longest that a call may take, from the look-up of the name to the last byte of the answer. */
  timeoutSeconds: number;
  /** For each origin. */
  maxSockets: number;
  /**
   * `public` for URLs that came from outside: every address to which a name resolves must be a public one, or the call
   * fails as misconfigured before anything is sent. Environment variables for proxies are ignored then: a proxy would
   * resolve the name on its own.
   */
  guard?: "public";
  /** As in `localhost:8080`: who may be called although the address is not public. */
  allow?: readonly string[];
  /** `address:port` of the name servers; without them, those that the system is set to. */
  nameServers?: readonly string[];
}

/** The only door out: keep-alive connections, a timeout, no redirects. */
export function createCallApi(options: CallApiOptions): CallApi & { open: OpenUrl; close(): void } {
  const agents = createAgents(options);
  const hear = createHear();
  const request = createRequest(options.guard !== undefined);

  /** Makes one request, within its time as far as the work goes. */
  async function begin<Result>(
    { url, signal: given }: { url: string; signal: AbortSignal | undefined },
    work: (how: How) => Promise<Result>,
  ): Promise<Result> {
    const over = new AbortController();
    const departure = createDeparture(over.signal);
    const giveUp = () => over.abort();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      over.abort();
    }, options.timeoutSeconds * 1000);
    // By hand: AbortSignal.any costs as much as the rest of this function, and the collector its weak references.
    given?.addEventListener("abort", giveUp);
    if (given?.aborted) giveUp();
    try {
      await hear();
      return await work({ transport: departure.transport, signal: over.signal, agents: agents.for(url) });
    } catch (error) {
      throw networkFailure(error, { url, hasLeft: departure.hasLeft, isLate });
    } finally {
      clearTimeout(timer);
      given?.removeEventListener("abort", giveUp);
    }
  }

  const callApi: CallApi = async ({ method, url, headers, query, body, signal }) => {
    const response = await begin({ url, signal }, (how) =>
      request({ method, url, params: query, encoded: encode(headers, body), responseType: "text" }, how),
    ).finally(() => {
      if (body instanceof Readable) body.destroy();
    });
    // Answered before the body had been sent: the connection is of no more use.
    if (body instanceof Readable && !body.readableEnded) (response.request as ClientRequest).destroy();
    const { status, data } = response;
    const answer = { status, headers: textHeaders(response) };
    if (status < 200 || status > 299) throw refusal(answer, data);
    return { ...answer, body: parseAnswer(data) };
  };

  const open: OpenUrl = async ({ url, headers, signal }) => {
    const encoded = { headers: headersOf(headers), data: undefined };
    const response = await begin({ url, signal }, (how) =>
      request({ method: "GET", url, params: undefined, encoded, responseType: "stream" }, how),
    );
    return { status: response.status, headers: textHeaders(response), body: response.data };
  };
  return Object.assign(callApi, { open, close: agents.close });
}

/** On which connection, and until when. */
interface How {
  transport: object;
  signal: AbortSignal;
  agents: AgentPair;
}

interface Asked {
  method: string;
  url: string;
  params: ApiRequest["query"];
  encoded: { headers: AxiosHeaders; data: unknown };
  /** A text is read to its end, up to a limit; a stream comes as it was sent. */
  responseType: "text" | "stream";
}

/**
 * Axios's adapter for HTTP alone. What `axios.request` does besides (settings merged, bodies and answers transformed) costs
 * as much again, and is said here by `encode` and `parseAnswer`. The settings are written out: to put them together by
 * spreading objects takes twenty times as long, which is more than all the rest of a call does here.
 */
function createRequest(isGuarded: boolean): (asked: Asked, how: How) => Promise<AxiosResponse> {
  const send = axios.getAdapter("http");
  const validateStatus = () => true;
  return ({ method, url, params, encoded, responseType }, { transport, signal, agents }) => {
    const { headers, data } = encoded;
    const { httpAgent, httpsAgent } = agents;
    const isWhole = responseType === "text";
    const maxContentLength = isWhole ? callLimits.maxAnswerBytes : -1;
    const config: InternalAxiosRequestConfig = {
      method,
      url,
      params,
      headers,
      data,
      responseType,
      maxContentLength,
      decompress: isWhole,
      transport,
      signal,
      httpAgent,
      httpsAgent,
      maxRedirects: 0,
      validateStatus,
    };
    if (isGuarded) config.proxy = false;
    return send(config);
  };
}

/** Some answer XML to who does not say what is read. */
const headersOf = (given: Record<string, string>) =>
  new AxiosHeaders({ accept: "application/json, text/plain, */*", ...given });

function encode(given: Record<string, string>, body: unknown): { headers: AxiosHeaders; data: unknown } {
  const headers = headersOf(given);
  if (!isPlain(body)) return { headers, data: typeof body === "string" ? Buffer.from(body) : body };
  const isForm = body instanceof URLSearchParams;
  headers.setContentType(isForm ? "application/x-www-form-urlencoded;charset=utf-8" : "application/json", false);
  return { headers, data: Buffer.from(isForm ? body.toString() : JSON.stringify(body)) };
}

/** What is neither bytes already nor a form that writes itself. */
function isPlain(body: unknown): body is object {
  if (typeof body !== "object" || body === null) return false;
  return !(Buffer.isBuffer(body) || body instanceof FormData || body instanceof Readable);
}

function createAgents(options: CallApiOptions): { for(url: string): AgentPair; close(): void } {
  const { guard, allow = [] } = options;
  const free = createFreeAgents(options);
  const guarded = createGuardedAgents(options);
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

/**
 * To try the bridge against stand-ins of the providers: with `https://stand-ins.example` a call to
 * `https://api.twilio.com/x` goes to `https://stand-ins.example/api.twilio.com/x`. Without a URL the call is as it was.
 */
export function callStandIns<Request extends { url: string }, Answer>(
  call: (request: Request) => Promise<Answer>,
  providersUrl: string | undefined,
): (request: Request) => Promise<Answer> {
  if (providersUrl === undefined) return call;
  return (request) =>
    call({ ...request, url: request.url.replace(/^(?:https|smtps?|imaps?):\/\//i, `${providersUrl}/`) });
}

function textHeaders(response: AxiosResponse): Record<string, string> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}
