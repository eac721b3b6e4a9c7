import { type Loop, startLoop } from "../concurrency/loop.ts";
import type { Log } from "../log.ts";
import type { EventType, Wake } from "../model.ts";
import type { Listeners } from "../registry/endpoints/listeners.ts";
import { enqueueDeliveries } from "../store/deliveries.ts";
import {
  beginTrouble,
  endTrouble,
  findAccountLocations,
  findChangedPauses,
  listTroubles,
} from "../store/events/troubles.ts";
import type { Db } from "../store/postgres/database.ts";
import { repeatOnConflict } from "../store/postgres/database-errors.ts";
import type { Trouble } from "../store/schema.ts";
import { oweTellings } from "./owe-events.ts";

export interface TroubleWatch {
  /** Hears from lines, which are passed on, who does not answer, and who answers again. */
  hear(log: Log): Log;
  start(log: Log): Loop;
}

export interface WatchContext {
  db: Db;
  listeners: Listeners;
  onWork: Wake;
  /** How often it is looked: who listens, what is paused, and what is over. */
  pollSeconds: number;
}

const maxAtOnce = 200;
const maxHeard = 10_000;

/** What the lines of outages and of attempts tell. */
interface Heard {
  provider?: string | undefined;
  accountId?: string | undefined;
  locationId?: string | undefined;
  /** `mailbox` where it is about fetching mail, which goes or not whatever becomes of what is sent. */
  what?: string | undefined;
  reason?: string | undefined;
  outcome?: string | undefined;
  status?: number | undefined;
}

type Begun = Omit<Trouble, "beganAt">;

/**
 * Tells endpoints, once over all processes, when a location is paused for somebody to do something about it, or a provider
 * no longer answers for an account, or HighLevel for all of them; and once when that is over. What was told stands in
 * `troubles`, written in the same transaction, so that a restart tells nothing twice and forgets no end. What comes and goes
 * between two looks is not told.
 */
export function createTroubleWatch({ db, listeners, onWork, pollSeconds }: WatchContext): TroubleWatch {
  const failing = new Map<string, Begun>();
  const answering = new Set<string>();
  let open = new Set<string>();
  let locationOfLast: string | undefined;

  const keyOf = ({ provider, accountId, what = "account" }: Heard) =>
    accountId === undefined ? `provider ${provider}` : `${what} ${accountId}`;
  const endsAt = (key: string) => {
    failing.delete(key);
    if (open.has(key)) answering.add(key);
  };
  const heard: Record<string, (fields: Heard) => void> = {
    "delivery.attempted": (fields) => {
      // The line of an outage follows that of the attempt by which it was seen, and names no location itself.
      locationOfLast = fields.locationId;
      if (fields.outcome === "delivered") endsAt(keyOf(fields));
    },
    "provider.unreachable": (fields) => {
      const locationId = fields.locationId ?? locationOfLast;
      if (locationId === undefined) return;
      if (failing.size >= maxHeard) failing.clear();
      const { provider, accountId, reason, status } = fields;
      const key = keyOf(fields);
      failing.set(key, { key, locationId, facts: { provider, accountId, reason, status } });
    },
    "provider.reachable": (fields) => endsAt(keyOf(fields)),
  };

  async function look(): Promise<boolean> {
    await listeners.learn();
    const about = { pauses: isWanted(listeners, "location"), outages: isWanted(listeners, "account") };
    if (!about.pauses && !about.outages) return false;
    const pauses = about.pauses ? await findChangedPauses(db, maxAtOnce) : { begun: [], over: [] };
    const outages = about.outages ? [...failing.values()] : [];
    const ended = [...pauses.over, ...answering];
    for (const trouble of [...pauses.begun, ...outages]) {
      await tellBegin({ db, listeners }, trouble);
      failing.delete(trouble.key);
    }
    for (const key of ended) {
      await tellEnd({ db, listeners }, key);
      answering.delete(key);
    }
    open = new Set((await listTroubles(db)).map(({ key }) => key));
    if (pauses.begun.length + outages.length + ended.length > 0) onWork("deliveries");
    return pauses.begun.length === maxAtOnce || pauses.over.length === maxAtOnce;
  }

  return {
    hear: (log) => (level, event, fields) => {
      log(level, event, fields);
      const told = (fields ?? {}) as Heard;
      if (told.provider !== undefined && told.provider !== "endpoint") heard[event]?.(told);
    },
    start: (log) => startLoop({ log, name: "events", pollSeconds, run: look }),
  };
}

const types = {
  location: { begun: "location.paused", over: "location.resumed" },
  account: { begun: "account.unreachable", over: "account.reachable" },
} as const satisfies Record<string, Record<string, EventType>>;

const isWanted = ({ ofType }: Listeners, what: keyof typeof types) =>
  Object.values(types[what]).some((type) => ofType(type).length > 0);

const kindOf = (key: string) => (key.startsWith("location ") ? types.location : types.account);

interface TellContext {
  db: Db;
  listeners: Listeners;
}

async function tellBegin({ db, listeners }: TellContext, trouble: Begun): Promise<void> {
  await inTransaction(db, async (tx) => {
    if (!(await beginTrouble(tx, trouble))) return;
    await tell(tx, listeners, { trouble, type: kindOf(trouble.key).begun, data: trouble.facts });
  });
}

async function tellEnd({ db, listeners }: TellContext, key: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    const trouble = await endTrouble(tx, key);
    if (!trouble) return;
    const { beganAt, facts } = trouble;
    const forSeconds = Math.max(0, Math.round((Date.now() - beganAt.getTime()) / 1000));
    const { provider, accountId } = facts;
    const data = { provider, accountId, since: beganAt.toISOString(), forSeconds };
    await tell(tx, listeners, { trouble, type: kindOf(key).over, data });
  });
}

const inTransaction = (db: Db, work: (tx: Db) => Promise<void>) => repeatOnConflict(() => db.transaction(work));

/**
 * Each endpoint is told in the name of a location that it listens to: that of the trouble, else the first one that it is about.
 * An account is about its locations, and HighLevel about all.
 */
async function tell(
  tx: Db,
  listeners: Listeners,
  { trouble, type, data }: { trouble: Begun; type: EventType; data: object },
): Promise<void> {
  const { key, locationId, facts } = trouble;
  const { accountId } = facts;
  const ofAccount = accountId === undefined ? undefined : ((await findAccountLocations(tx, accountId)) ?? []);
  const concerned = key.startsWith("location ") ? [locationId] : ofAccount;
  const tellings = listeners.ofType(type).flatMap(({ id, locationIds }) => {
    const reached =
      locationIds === null ? [locationId] : locationIds.filter((each) => concerned?.includes(each) ?? true);
    const [first] = reached.includes(locationId) ? [locationId] : reached.toSorted();
    const happening = { type, locationId: first ?? locationId, data: { ...data } };
    return first === undefined ? [] : [{ happening, endpointIds: [id] }];
  });
  await enqueueDeliveries(tx, await oweTellings(tx, tellings));
}
