import { refusals } from "../advice/refusals.ts";
import { describeUtc } from "../advice/spans.ts";
import type { CallApi } from "../calls/call-api.ts";
import type { Finding } from "../model.ts";
import { failure, ok, warning } from "../providers/kit/checks/findings.ts";
import { adapterOf } from "../providers/registry.ts";
import { servesNoOther } from "../registry/accounts.ts";
import { findAccount } from "../store/accounts.ts";
import { listLocations } from "../store/locations.ts";
import { findMapping, listMappings } from "../store/mappings.ts";
import { type Activity, readActivity } from "../store/messages/activity.ts";
import { listMessages } from "../store/messages/list-messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Location, MappingRow, RefusedWebhooks } from "../store/schema.ts";
import { listRefusals } from "../store/trouble/refused-webhooks.ts";
import { checkLocation, type LocationCheckContext } from "./check-location.ts";

export interface FirstStepsContext extends LocationCheckContext {
  people: Db;
  /** As it is told in HighLevel and to providers. */
  publicUrl: string;
  callApi: CallApi;
  /** Where a sandbox stands in for HighLevel. */
  sandboxUrl?: string | undefined;
  findApp(): Promise<{ clientId: string; from: "environment" | "console" } | undefined>;
}

/**
 * How far it is from an empty installation to a message that goes both ways, step by step: what is done, what is not yet
 * (a warning), and what went wrong (a failure). It is about the mapping of the newest message, or any one.
 */
export async function findFirstSteps(
  context: FirstStepsContext,
  locationIds: string[] | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { people } = context;
  const mapping = await chooseMapping(people, locationIds);
  const reach = mapping ? [mapping.locationId] : locationIds;
  const [location] = await listLocations(people, { locationIds: reach, limit: 1 });
  const found = [
    await judgePublicUrl(context, signal),
    judgeApp(await context.findApp(), location),
    ...(location ? await judgeLocation(context, location, signal) : [noLocation]),
    ...(mapping ? await judgeMapping(people, mapping, locationIds) : [noMapping, ...judgeTraffic(nothing)]),
  ];
  return context.sandboxUrl === undefined ? found : found.map(adviseInSandbox);
}

/** What is pressed there, where nothing is looked up at a provider or in HighLevel. */
const inSandbox: Record<string, string> = {
  location: "connect one by the app: the sandbox says yes",
  mapping: "open the phone, and press _Add it to the bridge_ there",
  webhook: "paste the webhook's URL at the phone, and send a text from there",
  deliveryUrl: "answer the text in the inbox",
};

function adviseInSandbox(finding: Finding): Finding {
  const advice = finding.state === "warning" ? inSandbox[finding.check] : undefined;
  return advice === undefined ? finding : { ...finding, advice };
}

async function chooseMapping(people: Db, locationIds: string[] | undefined): Promise<MappingRow | undefined> {
  const [newest] = (await listMessages(people, { locationIds, limit: 1 })).rows;
  const found = newest?.message.mappingId ? await findMapping(people, newest.message.mappingId) : undefined;
  if (found && !found.deletedAt) return found;
  const [any] = await listMappings(people, { locationIds, limit: 1 });
  return any;
}

async function judgePublicUrl(
  { publicUrl, callApi, sandboxUrl }: FirstStepsContext,
  signal: AbortSignal,
): Promise<Finding> {
  const { protocol, hostname } = new URL(publicUrl);
  if (sandboxUrl !== undefined) return ok("publicUrl", `the sandbox reaches ${publicUrl}`);
  if (["127.0.0.1", "localhost", "[::1]"].includes(hostname)) {
    const detail = `${publicUrl} is reached by this machine alone`;
    return warning(
      "publicUrl",
      detail,
      "for HighLevel and providers set PUBLIC_URL to an address that they reach by https",
    );
  }
  if (protocol !== "https:") {
    return failure(
      "publicUrl",
      `${publicUrl} is not https`,
      "put a proxy before the bridge that ends TLS, and set PUBLIC_URL",
    );
  }
  try {
    await callApi({ method: "GET", url: `${publicUrl}/livez`, headers: {}, signal });
    return ok("publicUrl", `${publicUrl} answers by https`);
  } catch (error) {
    const detail = `from here ${publicUrl} does not answer: ${error instanceof Error ? error.message : "unknown"}`;
    return warning("publicUrl", detail, "see that its name leads to the proxy, and the proxy to the bridge");
  }
}

function judgeApp(app: Awaited<ReturnType<FirstStepsContext["findApp"]>>, location: Location | undefined): Finding {
  if (app) {
    const how = app.from === "environment" ? "is set by HIGHLEVEL_CLIENT_ID" : "was entered";
    return ok("app", `the app ${app.clientId} ${how}`);
  }
  if (location?.sealedToken) return ok("app", "there is none: the location is connected by a token of its own");
  const advice = "enter the app's client id and secret, or set them; a private integration token does without";
  return warning("app", "no app of HighLevel's marketplace is known", advice);
}

const noLocation = warning("location", "no location is connected", "connect one by the app, or with a token");

async function judgeLocation(context: FirstStepsContext, location: Location, signal: AbortSignal): Promise<Finding[]> {
  const { findings } = await checkLocation(context, location, signal);
  const isConnected = location.sealedToken !== null || location.companyId !== null;
  return isConnected ? [ok("location", `${location.name ?? location.id} is connected`), ...findings] : findings;
}

const noMapping = warning(
  "mapping",
  "no number or mailbox is mapped to a location",
  "add one, with its provider's credentials",
);

async function judgeMapping(people: Db, mapping: MappingRow, locationIds: string[] | undefined): Promise<Finding[]> {
  const { id, accountId, address, provider, locationId } = mapping;
  const posted = { mappingId: id, direction: "inbound" as const, deliveryState: "delivered" as const, limit: 1 };
  const account = await findAccount(people, accountId);
  const seesAccount = account !== undefined && servesNoOther(account, locationIds);
  const activity = await readActivity(people, mapping, { webhooks: 50, messages: 50 });
  const traffic: Traffic = {
    // What went wrong with a webhook may be about another location of the account.
    activity: { ...activity, webhooks: activity.webhooks.filter(({ state }) => seesAccount || state !== "failed") },
    refused: await listRefusals(people, { accountId: seesAccount ? accountId : undefined, mappingId: id }),
    isPosted: (await listMessages(people, posted)).rows.length > 0,
  };
  const label = adapterOf(provider)?.label ?? provider;
  return [ok("mapping", `${address} of ${label} stands for location ${locationId}`), ...judgeTraffic(traffic)];
}

interface Traffic {
  activity: Activity;
  refused: Pick<RefusedWebhooks, "source" | "reason" | "count" | "lastAt">[];
  /** Is a message of a person in HighLevel? */
  isPosted: boolean;
}

const nothing: Traffic = { activity: { webhooks: [], messages: [], deliveries: [] }, refused: [], isPosted: false };

/** What went through the mapping so far, either way. Pure. */
export function judgeTraffic(traffic: Traffic): Finding[] {
  const [sent] = traffic.activity.messages.filter(({ direction }) => direction === "outbound");
  return [
    judgeDoor(traffic, "provider"),
    judgePosted(traffic),
    sent ? ok("deliveryUrl", "HighLevel has called the delivery URL") : judgeDoor(traffic, "highlevel"),
    judgeSent(sent),
    judgeReceipt(sent),
  ];
}

const doors = {
  provider: {
    check: "webhook",
    none: "no webhook of the provider has come yet",
    advice: "paste the webhookUrl at the provider, and write to the number; or send a test",
  },
  highlevel: {
    check: "deliveryUrl",
    none: "HighLevel has not called the delivery URL yet",
    advice: "paste the deliveryUrl into the app's conversation provider, and answer somebody in HighLevel",
  },
};

/** The newest of what was let in counts, unless something was turned away since. */
function judgeDoor({ activity, refused }: Traffic, source: "provider" | "highlevel"): Finding {
  const { check, none, advice } = doors[source];
  const [last] = activity.webhooks.filter((each) => each.source === source);
  const [turnedAway] = refused.filter((each) => each.source === source);
  if (turnedAway && (!last || last.receivedAt < turnedAway.lastAt)) {
    const { means, advice: whatToDo } = refusals[turnedAway.reason];
    return failure(check, `${turnedAway.count} were refused, ${turnedAway.reason}: ${means}`, whatToDo);
  }
  if (!last) return warning(check, none, advice);
  const at = describeUtc(last.receivedAt);
  if (last.state !== "failed") return ok(check, `the last came at ${at}, and was verified`);
  return failure(check, `the last, of ${at}, could not be read: ${last.reason}`, "see it among the webhooks");
}

function judgePosted({ activity, isPosted }: Traffic): Finding {
  const check = "inHighlevel";
  if (isPosted) return ok(check, "a message has arrived in HighLevel");
  const open = activity.deliveries.filter(({ kind }) => kind === "post-inbound");
  const dead = open.find(({ state }) => state === "dead");
  if (dead) return failure(check, `it was given up: ${dead.reason}`, "see it among the problems, and replay it");
  const [waiting] = open;
  if (waiting) return warning(check, `it waits: ${waiting.reason ?? "not attempted yet"}`, "look again in a moment");
  return warning(check, "no message has arrived in HighLevel yet", "it follows by itself, once a webhook has come");
}

type Sent = Activity["messages"][number] | undefined;

function judgeSent(sent: Sent): Finding {
  const check = "sent";
  if (!sent) return warning(check, "nothing was sent yet", "answer somebody in HighLevel");
  if (sent.state === "queued") return warning(check, `message ${sent.id} waits to be sent`, "look again in a moment");
  if (sent.state !== "failed") return ok(check, `the provider has taken message ${sent.id}`);
  const { message = "the provider gave no reason", code } = sent.error ?? {};
  return failure(check, `message ${sent.id} failed: ${message}${code ? ` (${code})` : ""}`, "see the message's story");
}

function judgeReceipt(sent: Sent): Finding {
  const check = "receipt";
  if (sent?.state === "delivered" || sent?.state === "read")
    return ok(check, `the provider has told that message ${sent.id} is ${sent.state}`);
  return warning(check, "no receipt has come yet", "it follows by itself where the provider knows the bridge's URL");
}
