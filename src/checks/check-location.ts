import type { AccessTokens } from "../access/access-tokens.ts";
import { Failure } from "../errors.ts";
import type { Access } from "../highlevel/call.ts";
import type { ReadScope } from "../highlevel/checks.ts";
import type { Highlevel } from "../highlevel/client.ts";
import type { Finding } from "../model.ts";
import { failure, ok, warning } from "../providers/kit/checks/findings.ts";
import type { Location } from "../store/schema.ts";

export interface LocationCheckContext {
  accessTokens: Pick<AccessTokens, "get">;
  highlevel: Pick<Highlevel, "askByScope" | "listProviders">;
}

/** A location, as far as it is looked at. */
export type CheckedLocation = Pick<Location, "id" | "pausedReason" | "pausedUntil" | "pausedDetail">;

/** With the access by which more can be asked, where the token is taken. */
export interface LocationFindings {
  findings: Finding[];
  access: Access | undefined;
}

const reconnect = "connect the location again: by the app, at /oauth/install, or with another token";

/** Is the location paused, does HighLevel take its token, and with which scopes? Pauses nothing and renews nothing itself. */
export async function checkLocation(
  context: LocationCheckContext,
  location: CheckedLocation,
  signal: AbortSignal,
): Promise<LocationFindings> {
  const pause = judgePause(location);
  const token = await findToken(context, location.id);
  if (typeof token !== "string") return { findings: [pause, token], access: undefined };
  const access = { locationId: location.id, token, signal };
  const answer = await askFor(context, access, "conversations.readonly");
  if (answer !== "has" && answer !== "lacks") return { findings: [pause, answer], access: undefined };
  const taken = ok("token", "HighLevel takes the location's token");
  return { findings: [pause, taken, await judgeScopes(context, access, answer)], access };
}

function judgePause({ pausedReason, pausedUntil, pausedDetail }: CheckedLocation): Finding {
  if (pausedReason === null || (pausedUntil !== null && pausedUntil <= new Date())) {
    return ok("pause", "the location is not paused");
  }
  const until = pausedUntil === null ? "until it is connected again" : `until ${pausedUntil.toISOString()}`;
  const detail = `the location is paused ${until}: ${pausedReason}${pausedDetail ? `, ${pausedDetail}` : ""}`;
  if (pausedUntil === null) return failure("pause", detail, reconnect);
  return warning("pause", detail, "it goes on by itself; nothing is lost meanwhile");
}

async function findToken({ accessTokens }: LocationCheckContext, locationId: string): Promise<string | Finding> {
  try {
    const found = await accessTokens.get(locationId);
    return found?.token ?? failure("token", "the location has no token", reconnect);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const isLost = error.reason === "needs_reauthorization" || error.reason === "misconfigured";
    const detail = `the token has expired, and there is no new one: ${error.message}`;
    return isLost ? failure("token", detail, reconnect) : warning("token", detail, "check again in a while");
  }
}

/** HighLevel says of a token that lacks a scope that it is "not authorized for this scope", with the status of a wrong one. */
async function askFor({ highlevel }: LocationCheckContext, access: Access, scope: ReadScope) {
  try {
    await highlevel.askByScope(access, scope);
    return "has";
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (isAboutScope(error)) return "lacks";
    if (error.status === 401 || error.status === 403) {
      return failure("token", `HighLevel refuses the location's token: ${error.message}`, reconnect);
    }
    return warning("token", `HighLevel could not be asked: ${error.message}`, "check again in a while");
  }
}

export const isAboutScope = ({ status, message }: Failure) =>
  (status === 401 || status === 403) && /not authorized for this scope/i.test(message);

const neededScopes = [
  ...["conversations.readonly", "conversations.write", "conversations/message.readonly"],
  ...["conversations/message.write", "contacts.readonly", "contacts.write"],
];

/** An OAuth token says its scopes itself. Of another one those to read are tried; only a write would show those to write. */
async function judgeScopes(
  context: LocationCheckContext,
  access: Access,
  conversations: "has" | "lacks",
): Promise<Finding> {
  const advice = "give the app, or the private integration, these scopes, and connect the location again";
  const said = scopesIn(access.token);
  if (said) {
    const missing = neededScopes.filter((scope) => !said.includes(scope));
    if (missing.length === 0) return ok("scopes", "the token has all scopes that the bridge needs");
    return failure("scopes", `the token lacks ${missing.join(", ")}`, advice);
  }
  const tried: [ReadScope, Awaited<ReturnType<typeof askFor>>][] = [["conversations.readonly", conversations]];
  for (const scope of ["conversations/message.readonly", "contacts.readonly"] as const) {
    tried.push([scope, await askFor(context, access, scope)]);
  }
  const missing = tried.filter(([, answer]) => answer === "lacks").map(([scope]) => scope);
  if (missing.length > 0) return failure("scopes", `the token lacks ${missing.join(", ")}`, advice);
  const [unclear] = tried.flatMap(([, answer]) => (typeof answer === "string" ? [] : [answer.detail]));
  if (unclear) return warning("scopes", unclear, "check again in a while");
  return ok("scopes", "the token may read what the bridge reads; whether it may write shows only when it does");
}

/** As in the tokens that HighLevel has been seen to give. Nothing is trusted to it but a hint. */
function scopesIn(token: string): string[] | undefined {
  try {
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
    const { oauthMeta } = JSON.parse(payload) as { oauthMeta?: { scopes?: unknown } };
    const scopes = oauthMeta?.scopes;
    return Array.isArray(scopes) ? scopes.map(String) : undefined;
  } catch {
    return undefined;
  }
}
