import { Failure } from "../../errors.ts";
import type { ApiRequest, CallApi, TokenGrant } from "../call-api.ts";
import type { FetchFile } from "../fetch-file.ts";
import { callLimits } from "../limits.ts";
import { wordsOf } from "../parse-answer.ts";

/** Access tokens, each kept until shortly before it ends. */
export interface Tokens {
  get(grant: TokenGrant): Promise<string>;
  /** One that was refused: the next `get` asks for another one. */
  forget(grant: TokenGrant): void;
}

const maxKept = 1000;
const earlyMs = 60_000;
/** Where the answer does not say how long it lasts, which is recommended and no more. One that ends earlier is refused, and fetched again. */
const unsaidSeconds = 300;

/** Some servers write the number as a text. */
function lifetimeOf(said: unknown): number {
  const seconds = typeof said === "number" || typeof said === "string" ? Number(said) : 0;
  return seconds > 0 ? seconds : unsaidSeconds;
}

/**
 * Fetches tokens by OAuth 2.0's client credentials or a refresh token: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 * and https://www.rfc-editor.org/rfc/rfc6749#section-6. A refresh token that comes along is not kept: the one that was given
 * must go on working.
 * Throws a Failure: `misconfigured` with status 401 where they are refused, `throttled`, or `unreachable`. It is never
 * `outcome_unknown`: what the token was for has not been called yet.
 */
export function createTokens(callApi: CallApi): Tokens {
  const kept = new Map<string, { token: Promise<string>; untilMs: number }>();

  async function fetchToken(grant: TokenGrant, entry: { untilMs: number }): Promise<string> {
    const answer = await callApi(tokenRequest(grant)).catch((error: unknown) => {
      throw asTokenFailure(error);
    });
    const { access_token: token, expires_in: seconds } = (answer.body ?? {}) as Record<string, unknown>;
    if (typeof token !== "string" || !/^[!-~]+$/.test(token)) {
      throw new Failure("unreachable", "the answer to the question for an access token holds none");
    }
    entry.untilMs = performance.now() + lifetimeOf(seconds) * 1000 - earlyMs;
    return token;
  }

  return {
    get(grant) {
      const key = JSON.stringify(grant);
      const known = kept.get(key);
      if (known && performance.now() < known.untilMs) return known.token;
      if (kept.size >= maxKept) kept.clear();
      // While it is being fetched, all who ask wait for the same one.
      const entry = { untilMs: Number.POSITIVE_INFINITY, token: Promise.resolve("") };
      entry.token = fetchToken(grant, entry);
      kept.set(key, entry);
      entry.token.catch(() => kept.get(key) === entry && kept.delete(key));
      return entry.token;
    },
    forget: (grant) => void kept.delete(JSON.stringify(grant)),
  };
}

function tokenRequest({ url, clientId, clientSecret, refreshToken, scope, isInForm }: TokenGrant): ApiRequest {
  const basic = { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}` };
  const body = new URLSearchParams({
    ...(refreshToken === undefined
      ? { grant_type: "client_credentials" }
      : { grant_type: "refresh_token", refresh_token: refreshToken }),
    ...(scope === undefined ? {} : { scope }),
    ...(isInForm ? { client_id: clientId, client_secret: clientSecret } : {}),
  });
  return { method: "POST", url, headers: isInForm ? {} : basic, body };
}

function asTokenFailure(error: unknown): unknown {
  if (!(error instanceof Failure)) return error;
  const { status, message, retryAfterSeconds, reason } = error;
  const words = `no access token is given: ${[message, saidOf(error.answer)].filter(Boolean).join(", ")}`;
  const isRefused = status === 400 || status === 401 || status === 403;
  if (isRefused) return new Failure("misconfigured", words, { status: 401, cause: error });
  if (reason === "misconfigured") return error;
  const isLimit = reason === "throttled" || reason === "own_limit";
  return new Failure(isLimit ? reason : "unreachable", words, { retryAfterSeconds, cause: error });
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
function saidOf(answer: unknown): string | undefined {
  const { error, error_description: description } = (answer ?? {}) as Record<string, unknown>;
  const said = [error, description].filter((each) => typeof each === "string").join(": ");
  return said === "" ? undefined : wordsOf(said, callLimits.maxWordsLength);
}

interface Granting {
  headers: Record<string, string>;
  grant?: TokenGrant | undefined;
}

/**
 * Calls with a token where the request names a grant; once more with another token where the first one is refused. Of an
 * API, or to open a mailbox.
 */
export function withTokens<Request extends Granting, Answer>(
  tokens: Tokens,
  call: (request: Request) => Promise<Answer>,
): (request: Request) => Promise<Answer> {
  return (request) => {
    const { grant, headers } = request;
    if (!grant) return call(request);
    return withToken(tokens, grant, (authorization) =>
      call({ ...request, grant: undefined, headers: { ...headers, authorization } }),
    );
  };
}

/** As `withTokens`, for files. */
export function fetchWithTokens(tokens: Tokens, fetchFile: FetchFile): FetchFile {
  return (url, { grant, ...options }) => {
    if (!grant) return fetchFile(url, options);
    return withToken(tokens, grant, (authorization) =>
      fetchFile(url, { ...options, headers: { ...options.headers, authorization } }),
    );
  };
}

/** A call that is answered 401 has done nothing: it may be made again. */
async function withToken<Answer>(
  tokens: Tokens,
  grant: TokenGrant,
  call: (authorization: string) => Promise<Answer>,
): Promise<Answer> {
  const token = await tokens.get(grant);
  try {
    return await call(`Bearer ${token}`);
  } catch (error) {
    if (!(error instanceof Failure) || error.status !== 401) throw error;
    tokens.forget(grant);
    return call(`Bearer ${await tokens.get(grant)}`);
  }
}
