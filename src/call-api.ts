import http from "node:http";
import https from "node:https";
import axios, { AxiosError, type AxiosResponse } from "axios";
import { Failure, type FailureReason } from "./errors.ts";

export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  url: string;
  headers: Record<string, string>;
  query?: Record<string, string | number>;
  /** Sent as JSON; URLSearchParams and FormData as the forms that they are. */
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

/** The only door out: keep-alive connections, a timeout, no redirects. */
export function createCallApi(options: { timeoutSeconds: number; maxSockets: number }): CallApi & { close(): void } {
  const agentOptions = { keepAlive: true, maxSockets: options.maxSockets };
  const httpAgent = new http.Agent(agentOptions);
  const httpsAgent = new https.Agent(agentOptions);
  const client = axios.create({
    httpAgent,
    httpsAgent,
    timeout: options.timeoutSeconds * 1000,
    maxRedirects: 0,
    maxContentLength: 10_000_000,
    responseType: "text",
    transitional: { clarifyTimeoutError: true },
    transformResponse: (text: unknown) => text,
    validateStatus: () => true,
  });

  const callApi: CallApi = async (request) => {
    const { method, url, headers, query, body, signal } = request;
    const response = await client
      .request<string>({ method, url, headers, params: query, data: body, ...(signal ? { signal } : {}) })
      .catch((error: unknown) => {
        throw networkFailure(error);
      });
    const answer = { status: response.status, headers: textHeaders(response), body: parseBody(response.data) };
    if (answer.status < 200 || answer.status > 299) throw refusal(answer);
    return answer;
  };
  return Object.assign(callApi, {
    close: () => {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  });
}

/** System calls that fail before anything of the request is sent. */
const connecting = new Set(["connect", "getaddrinfo"]);
/** Codes of TLS handshakes that fail: sent before the request as well. */
const handshake = /^(EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL)/;

function networkFailure(error: unknown): Failure {
  if (!(error instanceof AxiosError)) throw error;
  const cause = error.cause as { syscall?: string } | undefined;
  const code = error.code ?? "unknown";
  const neverLeft = connecting.has(cause?.syscall ?? "") || handshake.test(code);
  return neverLeft
    ? new Failure("unreachable", `no connection (${code})`, { cause: error })
    : new Failure("outcome_unknown", `the request left, but no whole answer came (${code})`, { cause: error });
}

const reasonByStatus: Record<number, FailureReason> = {
  401: "unauthorized",
  408: "unavailable",
  425: "unavailable",
  429: "throttled",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

function refusal(answer: ApiAnswer): Failure {
  const { status } = answer;
  const reason = reasonByStatus[status] ?? (status >= 500 ? "server_error" : "rejected");
  return new Failure(reason, `HTTP ${status}${wordsOf(answer.body)}`, {
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
function retryAfterSeconds(value: string | undefined): number | undefined {
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
