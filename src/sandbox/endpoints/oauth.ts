import { randomUUID, timingSafeEqual } from "node:crypto";
import express, { type Request, Router } from "express";
import { ApiError } from "../api-error.ts";
import { parseRequest, requireNoQuery } from "../parse-request.ts";
import type { State, TokenHolder } from "../state.ts";
import { chooseQuery, locationTokenForm, type OauthSettings, type TokenForm, tokenForm } from "./oauth-forms.ts";

/** Whose token. */
type Holder = { locationId: string } | { companyId: string };

interface Pair {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

export interface Oauth {
  set(settings: OauthSettings): void;
  refreshCount(): number;
  /** The app is uninstalled there: all its tokens are refused from now on. */
  uninstall(id: string): void;
  routes: Router;
}

const codeMinutes = 10;

/**
 * The page where a location is chosen, which here chooses by itself and sends the browser back, and the token
 * endpoints, with refresh tokens that serve once. https://marketplace.gohighlevel.com/docs/Authorization/OAuth2.0
 */
export function createOauth(state: State): Oauth {
  const settings = {
    clientId: "sandbox-client",
    clientSecret: "sandbox-secret",
    chosen: undefined as Holder | undefined,
    accessTokenSeconds: 86_399,
    refreshGraceSeconds: 30,
  };
  const ledger = createLedger(state, settings);
  const router = Router();

  router.get("/v2/oauth/chooselocation", (req, res) => {
    const query = chooseQuery.safeParse(req.query);
    if (!query.success) throw new ApiError(400, `${query.error.issues[0]?.path.join(".")} is missing or wrong`);
    if (query.data.client_id !== settings.clientId) throw new ApiError(400, "Invalid client");
    const [firstLocation] = state.locations.keys();
    const holder = settings.chosen ?? (firstLocation === undefined ? undefined : { locationId: firstLocation });
    if (!holder) throw new ApiError(400, "there is no location to choose");
    const back = new URL(query.data.redirect_uri);
    back.searchParams.set("code", ledger.issueCode(holder, query.data.redirect_uri));
    if (query.data.state !== undefined) back.searchParams.set("state", query.data.state);
    res.redirect(back.href);
  });

  router.post("/oauth/token", express.urlencoded({ extended: false }), (req, res) => {
    requireNoQuery(req);
    const form = parseRequest(tokenForm, req.body);
    if (!isSame(form.client_id, settings.clientId) || !isSame(form.client_secret, settings.clientSecret)) {
      throw oauthError(401, "invalid_client", "Client authentication failed");
    }
    if (form.grant_type === "client_credentials") {
      throw oauthError(400, "unauthorized_client", "The client may not use this grant type");
    }
    res.json(form.grant_type === "refresh_token" ? ledger.refresh(form) : ledger.exchange(form));
  });

  router.post("/oauth/locationToken", express.urlencoded({ extended: false }), (req, res) => {
    if (req.get("version") === undefined) throw new ApiError(401, "version header was not found.");
    const holder = holderOf(state, bearerOf(req));
    if (!holder || !("companyId" in holder)) throw new ApiError(401, "Invalid token: access token is invalid");
    requireNoQuery(req);
    const { companyId, locationId } = parseRequest(locationTokenForm, req.body);
    if (companyId !== holder.companyId) throw new ApiError(403, "The token does not have access to this company.");
    if (state.locations.get(locationId)?.companyId !== companyId) throw new ApiError(400, "Location not found");
    res.json(ledger.mint({ locationId }));
  });

  return {
    set: (given) => void Object.assign(settings, given),
    refreshCount: ledger.refreshCount,
    uninstall: ledger.uninstall,
    routes: router,
  };
}

/** Codes that serve once, and pairs of tokens that follow each other. */
function createLedger(state: State, settings: { accessTokenSeconds: number; refreshGraceSeconds: number }) {
  const codes = new Map<string, { holder: Holder; redirectUri: string; expiresAtMs: number }>();
  const refreshTokens = new Map<string, { holder: Holder; used?: { pair: Pair; atMs: number } }>();
  let refreshes = 0;

  function issuePair(holder: Holder): Pair {
    const pair = { ...issueAccess(holder), refresh_token: `refresh-${randomUUID()}` };
    refreshTokens.set(pair.refresh_token, { holder });
    return pair;
  }

  function issueAccess(holder: Holder) {
    const { accessTokenSeconds: expires_in } = settings;
    const access_token = `access-${randomUUID()}`;
    state.oauthTokens.set(access_token, { ...holder, expiresAtMs: Date.now() + expires_in * 1000 });
    return { access_token, expires_in };
  }

  function answerOf(holder: Holder) {
    const userType = "companyId" in holder ? "Company" : "Location";
    const companyId = "companyId" in holder ? holder.companyId : state.locations.get(holder.locationId)?.companyId;
    return { token_type: "Bearer", userType, scope: "conversations.write", userId: "user", ...holder, companyId };
  }

  return {
    issueCode(holder: Holder, redirectUri: string): string {
      const code = randomUUID();
      codes.set(code, { holder, redirectUri, expiresAtMs: Date.now() + codeMinutes * 60_000 });
      return code;
    },
    exchange({ code = "", redirect_uri }: TokenForm) {
      const known = codes.get(code);
      codes.delete(code);
      if (!known || known.expiresAtMs < Date.now() || (redirect_uri ?? known.redirectUri) !== known.redirectUri) {
        throw oauthError(400, "invalid_grant", "Invalid grant: authorization code is invalid");
      }
      return { ...answerOf(known.holder), ...issuePair(known.holder) };
    },
    refresh({ refresh_token: token = "" }: TokenForm) {
      refreshes++;
      const known = refreshTokens.get(token);
      const usedSeconds = known?.used ? (Date.now() - known.used.atMs) / 1000 : undefined;
      if (!known || (usedSeconds !== undefined && usedSeconds >= settings.refreshGraceSeconds)) {
        throw oauthError(400, "invalid_grant", "Invalid grant: refresh token is invalid");
      }
      known.used ??= { pair: issuePair(known.holder), atMs: Date.now() };
      return { ...answerOf(known.holder), ...known.used.pair };
    },
    mint({ locationId }: { locationId: string }) {
      return {
        token_type: "Bearer",
        scope: "conversations.write",
        userId: "user",
        locationId,
        ...issueAccess({ locationId }),
      };
    },
    refreshCount: () => refreshes,
    uninstall(id: string): void {
      const isGone = (holder: Holder) => Object.values(holder).includes(id);
      for (const [token, holder] of state.oauthTokens) if (isGone(holder)) state.oauthTokens.delete(token);
      for (const [token, { holder }] of refreshTokens) if (isGone(holder)) refreshTokens.delete(token);
    },
  };
}

/** Seen so of HighLevel; https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
const oauthError = (status: number, error: string, description: string) =>
  new ApiError(status, description, { error, error_description: description });

/** An access token that has expired is as good as none. */
export function holderOf(state: State, token: string | undefined): TokenHolder | undefined {
  const holder = state.oauthTokens.get(token ?? "");
  return holder && holder.expiresAtMs > Date.now() ? holder : undefined;
}

export const bearerOf = (req: Request) => /^Bearer (.+)$/.exec(req.get("authorization") ?? "")?.[1];

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
