import { z } from "zod";
import type { ApiRequest, CallApi } from "../calls/call-api.ts";
import { reasonOf } from "../calls/failure-reason.ts";
import { Failure } from "../errors.ts";
import { textOf } from "./refusals.ts";

/** Whose token: a sub-account's or an agency's. */
export type UserType = "Location" | "Company";

/** An access token, and what yields the next one. */
export interface Tokens {
  accessToken: string;
  /** Each use gives a new one and ends this one. Absent in what an agency's token yields. */
  refreshToken: string | undefined;
  lifetimeSeconds: number;
}

/** What a code of the redirect was for. */
export type Installation = Tokens & { refreshToken: string } & (
    | { userType: "Location"; locationId: string }
    | { userType: "Company"; companyId: string }
  );

/**
 * HighLevel's token endpoints. Each resolves with what HighLevel said, or throws a Failure; none retries. A refusal of
 * the grant is `needs_reauthorization`, one of the client id or secret `misconfigured`, and any other `unauthorized`: that
 * and everything else may be over in a while.
 */
export interface OauthClient {
  /** A code serves once, for some minutes. */
  exchangeCode(request: { code: string; redirectUri: string }): Promise<Installation>;
  /** Ends the refresh token; asked again within 30 seconds, HighLevel gives the same new pair again. */
  refreshTokens(request: { refreshToken: string; userType: UserType }): Promise<Tokens>;
  /** A location's access token, by its agency's. */
  mintLocationToken(request: { companyToken: string; companyId: string; locationId: string }): Promise<Tokens>;
}

/** Shorter than the 30 seconds for which HighLevel repeats an answer, and than a transaction may stand still. */
const timeoutSeconds = 10;

const text = z.string().min(1);
/** Seen as null, as an empty string and not at all. */
const maybeText = z
  .string()
  .nullish()
  .transform((value) => value || undefined);

/** https://marketplace.gohighlevel.com/docs/ghl/oauth/get-access-token */
const tokenAnswer = z.object({
  access_token: text,
  refresh_token: maybeText,
  expires_in: z.coerce.number().positive(),
});
const installationAnswer = tokenAnswer
  .extend({ refresh_token: text, locationId: maybeText, companyId: maybeText, userType: maybeText })
  .refine(({ locationId, companyId }) => locationId ?? companyId, { path: ["locationId"], error: "is missing" });

export function createOauthClient(options: {
  callApi: CallApi;
  baseUrl: string;
  clientId: string;
  clientSecret: string;
}): OauthClient {
  const { callApi, baseUrl, clientId, clientSecret } = options;

  async function call<Answer>(
    path: string,
    form: Record<string, string>,
    more: { headers?: Record<string, string>; answer: z.ZodType<Answer> },
  ): Promise<Answer> {
    const request: ApiRequest = {
      method: "POST",
      url: `${baseUrl}${path}`,
      headers: { Accept: "application/json", ...more.headers },
      body: new URLSearchParams(form),
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    };
    const answer = await callApi(request).catch((error: unknown) => {
      throw error instanceof Failure ? readRefusal(error) : error;
    });
    const parsed = more.answer.safeParse(answer.body);
    if (parsed.success) return parsed.data;
    const fields = parsed.error.issues.map((issue) => issue.path.join(".") || "body").join(", ");
    throw new Failure("unavailable", `HighLevel answered ${answer.status} to ${path} without a usable ${fields}`, {
      status: answer.status,
    });
  }
  const client = { client_id: clientId, client_secret: clientSecret };

  return {
    async exchangeCode({ code, redirectUri }) {
      const form = { ...client, grant_type: "authorization_code", code, redirect_uri: redirectUri };
      const answer = await call("/oauth/token", form, { answer: installationAnswer });
      const tokens = { ...readTokens(answer), refreshToken: answer.refresh_token };
      const { locationId, companyId, userType } = answer;
      if (locationId !== undefined && userType !== "Company") return { ...tokens, userType: "Location", locationId };
      if (companyId !== undefined) return { ...tokens, userType: "Company", companyId };
      throw new Failure("unavailable", "HighLevel gave a token of an agency without saying which one");
    },

    async refreshTokens({ refreshToken, userType }) {
      const form = { ...client, grant_type: "refresh_token", refresh_token: refreshToken, user_type: userType };
      return readTokens(await call("/oauth/token", form, { answer: tokenAnswer }));
    },

    /** https://marketplace.gohighlevel.com/docs/ghl/oauth/get-location-access-token */
    async mintLocationToken({ companyToken, companyId, locationId }) {
      const headers = { Authorization: `Bearer ${companyToken}`, Version: "2021-07-28" };
      return readTokens(
        await call("/oauth/locationToken", { companyId, locationId }, { headers, answer: tokenAnswer }),
      );
    },
  };
}

function readTokens(answer: z.output<typeof tokenAnswer>): Tokens {
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    lifetimeSeconds: answer.expires_in,
  };
}

/** Seen so, or in the shape of HighLevel's other refusals. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
const oauthError = z.object({ error: z.string(), error_description: z.string().optional() });

function readRefusal(failure: Failure): Failure {
  const said = oauthError.safeParse(failure.answer).data;
  const { status, retryAfterSeconds } = failure;
  const code = said?.error ?? "";
  const reason =
    status === undefined
      ? failure.reason
      : reasonOf("highlevel-tokens", { status, code, words: textOf(failure.answer) });
  const words = [said?.error, said?.error_description].filter((part) => part && !failure.message.includes(part));
  // Without the answer and its cause: nothing that holds a token may travel with an error.
  return new Failure(reason, [failure.message, ...words].join(" · "), { status, retryAfterSeconds });
}
