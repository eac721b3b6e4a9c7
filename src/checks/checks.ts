import type { CallApi } from "../calls/call-api.ts";
import type { Finding, FindingState } from "../model.ts";
import { failure } from "../providers/kit/checks/findings.ts";
import type { Mapping } from "../registry/mappings.ts";
import { countCallsToday } from "../store/budgets.ts";
import { findLocation } from "../store/locations.ts";
import { readActivity } from "../store/messages/activity.ts";
import type { Location } from "../store/schema.ts";
import { type CheckedCredentials, checkCredentials } from "./check-credentials.ts";
import { checkLocation, type LocationCheckContext } from "./check-location.ts";
import { checkProvider } from "./check-provider.ts";
import { type FirstStepsContext, findFirstSteps } from "./first-steps.ts";
import { activityLimits, judgeActivity } from "./judge-activity.ts";
import { judgeCalls } from "./judge-calls.ts";
import { judgeDefaults } from "./watch-defaults.ts";

export interface ChecksContext extends FirstStepsContext {
  /** The way out to providers. */
  callProvider: CallApi;
  /** To HighLevel, for each location. */
  callsPerDay: number;
}

export interface CheckResult {
  /** The worst of what was found. */
  state: FindingState;
  checks: Finding[];
}

/**
 * Looks whether all is connected rightly, by calls that change nothing. One at a time for each thing in this process: a
 * caller that asks meanwhile gets the same result. What could not be asked is found as a warning, and nothing is thrown for it.
 */
export interface Checks {
  account(id: string, account: CheckedCredentials): Promise<CheckResult>;
  /** Its credentials, location and conversation provider, and what happened on it lately. */
  mapping(mapping: Mapping, webhookUrl: string): Promise<CheckResult>;
  location(location: Location): Promise<CheckResult>;
  /** How far it is to a message that goes both ways, in these locations, or in all. */
  firstSteps(locationIds: string[] | undefined): Promise<CheckResult>;
  /** What is wrong with what has just been registered, as far as that shows before its webhookUrl is pasted. */
  newMapping(mapping: Mapping, webhookUrl: string): Promise<Finding[]>;
  newAccount(account: CheckedCredentials): Promise<Finding[]>;
}

/** The longest that somebody waits for a check, and for what is registered. */
const checkMs = 20_000;
const newMs = 5_000;

export function createChecks(context: ChecksContext): Checks {
  const shared = shareByKey();
  const { people, callProvider } = context;

  async function findAll(mapping: Mapping, webhookUrl: string, signal: AbortSignal): Promise<Finding[]> {
    const { adapter, address } = mapping;
    const [credentials] = mapping.credentials;
    const account = { adapter, credentials, webhookUrl, addresses: [address] };
    const location = await findLocation(people, mapping.locationId);
    const [atProvider, atHighlevel] = await Promise.all([
      checkCredentials(callProvider, account, signal),
      location ? findAtHighlevel(context, location, mapping, signal) : [notRegistered(mapping.locationId)],
    ]);
    return [...atProvider, ...atHighlevel];
  }

  return {
    account: (id, account) =>
      shared(`account ${id}`, () => checkCredentials(callProvider, account, AbortSignal.timeout(checkMs))),
    mapping: (mapping, webhookUrl) =>
      shared(`mapping ${mapping.id}`, async () => {
        const found = await findAll(mapping, webhookUrl, AbortSignal.timeout(checkMs));
        return [...found, ...judgeActivity(await readActivity(people, mapping, activityLimits), new Date())];
      }),
    location: (location) =>
      shared(`location ${location.id}`, async () => {
        const { findings } = await checkLocation(context, location, AbortSignal.timeout(checkMs));
        const calls = judgeCalls(await countCallsToday(people, location.id), context.callsPerDay);
        return [...findings, calls, ...judgeDefaults(location)];
      }),
    firstSteps: (locationIds) =>
      shared(`first steps ${JSON.stringify(locationIds)}`, () =>
        findFirstSteps(context, locationIds, AbortSignal.timeout(newMs)),
      ),
    newMapping: async (mapping, webhookUrl) =>
      (await findAll(mapping, webhookUrl, AbortSignal.timeout(newMs))).filter(isWrong),
    newAccount: async (account) =>
      (await checkCredentials(callProvider, account, AbortSignal.timeout(newMs))).filter(isWrong),
  };
}

const notRegistered = (id: string) =>
  failure("token", `the location ${id} is not registered`, "connect it, by the app or with its token");

/** What nobody can have set before the webhookUrl is known. */
const isSetLater = new Set(["webhook", "receipts"]);
const isWrong = ({ check, state }: Finding) => state !== "ok" && !isSetLater.has(check);

async function findAtHighlevel(
  context: LocationCheckContext,
  location: Location,
  mapping: Mapping,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { findings, access } = await checkLocation(context, location, signal);
  const known = [...findings, ...judgeDefaults(location)];
  return access ? [...known, await checkProvider(context, mapping, access)] : known;
}

function shareByKey(): (key: string, find: () => Promise<Finding[]>) => Promise<CheckResult> {
  const underWay = new Map<string, Promise<CheckResult>>();
  return (key, find) => {
    const known = underWay.get(key);
    if (known) return known;
    const result = find()
      .then((checks) => ({ state: worstOf(checks), checks }))
      .finally(() => underWay.delete(key));
    underWay.set(key, result);
    return result;
  };
}

function worstOf(checks: Finding[]): FindingState {
  const order: FindingState[] = ["failure", "warning"];
  return order.find((state) => checks.some((each) => each.state === state)) ?? "ok";
}
