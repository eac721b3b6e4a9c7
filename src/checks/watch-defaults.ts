import type { AccessTokens } from "../access/access-tokens.ts";
import { type Loop, startLoop } from "../concurrency/loop.ts";
import { Failure, type FailureReason } from "../errors.ts";
import type { ListedProvider } from "../highlevel/checks.ts";
import type { Highlevel } from "../highlevel/client.ts";
import type { Log } from "../log.ts";
import type { Channel, Finding } from "../model.ts";
import { warning } from "../providers/kit/checks/findings.ts";
import type { Db } from "../store/postgres/database.ts";
import type { DefaultProvider, Location } from "../store/schema.ts";
import { claimDefaultsToAsk, countAsAsked, keepDefaults } from "../store/trouble/default-providers.ts";

export interface DefaultsContext {
  db: Db;
  log: Log;
  accessTokens: Pick<AccessTokens, "get">;
  highlevel: Pick<Highlevel, "listProviders">;
}

/** Within an hour, also where a process was stopped meanwhile. */
const askEverySeconds = 50 * 60;
/** Where HighLevel was away, or what may be asked of it used up: else a change was noticed after the next hour alone. */
const askAgainSeconds = 5 * 60;
const passing: readonly FailureReason[] = [
  ...(["unreachable", "outcome_unknown", "unavailable", "server_error", "invalid_answer"] as const),
  ...(["throttled", "own_limit"] as const),
];
const askMs = 20_000;
const channels: readonly Channel[] = ["sms", "email"];

/** Where workers run. */
export const keepWatchingDefaults = (context: DefaultsContext): Loop =>
  startLoop({ log: context.log, name: "defaults", pollSeconds: 60, run: () => watchDefaults(context) });

/**
 * Asks of a location that is due by which provider it sends what names none: anybody may choose another one in its settings, and
 * HighLevel tells nobody. A change leaves a line, and is shown by checks. `false` where none was due. Over all processes one asks.
 */
export async function watchDefaults(
  { db, log, accessTokens, highlevel }: DefaultsContext,
  everySeconds = askEverySeconds,
): Promise<boolean> {
  const location = await claimDefaultsToAsk(db, everySeconds);
  if (!location) return false;
  const { id: locationId, defaultProviders: before } = location;
  const unknown = async (error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    if (passing.includes(error.reason)) await countAsAsked(db, locationId, everySeconds - askAgainSeconds);
    // What ails the token or its scopes is told by the checks, and where messages fail for it.
    log("debug", "location.default_unknown", { locationId, reason: error.reason, status: error.status });
    return undefined;
  };
  const found = await accessTokens.get(locationId).catch(unknown);
  if (!found) return true;
  const access = { locationId, token: found.token, signal: AbortSignal.timeout(askMs) };
  const after: NonNullable<Location["defaultProviders"]> = { ...before };
  for (const channel of channels) {
    const former = before?.[channel];
    const listed = await highlevel.listProviders(access, channel).catch(unknown);
    const present = listed && readDefault(listed, former);
    if (!present) continue;
    after[channel] = next(former, present);
    if (former && former.id !== present.id)
      log("error", "location.default_changed", { locationId, channel, from: former.name, to: present.name });
  }
  await keepDefaults(db, locationId, after);
  return true;
}

type Default = Pick<DefaultProvider, "id" | "name">;

/** That there is none is said by a list that tells it of each, and of the former one: an empty one, or a part, is no news. */
function readDefault(listed: ListedProvider[], former: DefaultProvider | undefined): Default | undefined {
  const standard = listed.find(({ isDefault }) => isDefault);
  if (standard) return standard;
  const isWhole = former?.id ? listed.some(({ id }) => id === former.id) : listed.length > 0;
  return isWhole && listed.every(({ isDefault }) => isDefault === false) ? { id: null, name: "none" } : undefined;
}

function next(former: DefaultProvider | undefined, { id, name }: Default): DefaultProvider {
  if (!former || former.id === id) return { ...former, id, name };
  return { id, name, changedFrom: former.name, changedAt: new Date().toISOString() };
}

const tellMs = 7 * 86_400_000;

/** What somebody has changed lately. */
export function judgeDefaults({ defaultProviders }: Pick<Location, "defaultProviders">): Finding[] {
  return channels.flatMap((channel) => {
    const { name, changedFrom, changedAt } = defaultProviders?.[channel] ?? {};
    if (!changedAt || Date.now() - Date.parse(changedAt) > tellMs) return [];
    const what = channel === "sms" ? "SMS" : "emails";
    const detail = `the location's default provider of ${what} was "${changedFrom}" until it was changed to "${name}", which was seen at ${changedAt}`;
    const advice =
      "what agents and workflows send without naming a provider goes by it: choose the other one again, if that was not meant";
    return [warning("defaultProvider", detail, advice)];
  });
}
