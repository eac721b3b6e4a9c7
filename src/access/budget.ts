import { Failure } from "../errors.ts";
import type { CallLimit } from "../highlevel/client.ts";
import { addBudgets, type PermitRequest, type Permits, takePermits } from "../store/budgets.ts";
import type { Db } from "../store/postgres/database.ts";
import { readSaidLimits, type SaidLimits } from "./said-limits.ts";

/** What this process knows of one location. */
interface Share {
  waiting: { resolve: () => void; reject: (failure: Failure) => void }[];
  /** Permits in hand, and until when. */
  ahead: number;
  aheadUntilMs: number;
  /** Calls that have gone out since permits were taken, which was then. */
  used: number;
  takenAtMs: number;
  /** There is no permit to be had before then. */
  notBeforeMs: number;
  isDayUsed: boolean;
  /** By HighLevel's last answer. */
  said: (SaidLimits & { untilMs: number }) | undefined;
  /** It said that the day is used up, or is not after all: to be kept, whether somebody waits or not. */
  isNews: boolean;
}

/** What may go out at once, as a part of what goes out in ten seconds. */
const partAtOnce = 0.2;
/** Permits that are taken ahead are for calls within so long. */
const aheadForMs = 200;
/** How long a call waits for its permit before it is refused instead, and the location left alone for as long. */
const patienceSeconds = 1;
/**
 * For a day that is used up. Where HighLevel says so, a call goes out as often and asks: its day may begin at another time,
 * or its limit be raised.
 */
const maxPauseSeconds = 900;
/** The interval of HighLevel's that it was said of may end. */
const saidForMs = 1000;

/**
 * HighLevel's limits for each location, counted for all processes together. Calls that ask while one statement takes
 * permits go together in the next one, of all locations: a busy process asks PostgreSQL once for many, and takes as many
 * ahead as it has just used, of a quarter at most of what is left. They go out evenly, `per10Seconds` in the long run, and a
 * fifth of that more where nothing went before.
 */
export function createBudget(options: { db: Db; per10Seconds: number; perDay: number }): CallLimit {
  const { db, per10Seconds, perDay } = options;
  const atOnce = Math.ceil(per10Seconds * partAtOnce);
  const limits = { perSecond: per10Seconds / 10, atOnce, perDay, askAfterSeconds: maxPauseSeconds };
  const maxWaiting = Math.ceil(limits.perSecond * patienceSeconds);
  const shares = new Map<string, Share>();
  let isTaking = false;
  let timer: NodeJS.Timeout | undefined;

  function shareOf(locationId: string): Share {
    const share = shares.get(locationId) ?? newShare();
    shares.set(locationId, share);
    return share;
  }

  async function takeWhatIsThere(): Promise<void> {
    if (isTaking) return;
    isTaking = true;
    for (let ready = findReady(shares); ready.length > 0; ready = findReady(shares)) await takeFor(ready);
    isTaking = false;
    comeAgain();
  }

  async function takeFor(ready: [string, Share][]): Promise<void> {
    const wanted = ready.map(([locationId, share]) => requestOf(locationId, share));
    try {
      const permits = await takeAll(db, wanted, limits);
      for (const { locationId, count } of wanted) settle(shareOf(locationId), count, permits.get(locationId));
    } catch (error) {
      for (const each of ready.flatMap(([, { waiting }]) => waiting.splice(0))) each.reject(uncounted(error));
    }
  }

  /** Those who wait for what is not there yet. */
  function comeAgain(): void {
    const times = [...shares.values()].filter(({ waiting }) => waiting.length > 0).map((share) => share.notBeforeMs);
    clearTimeout(timer);
    if (times.length > 0) timer = setTimeout(takeWhatIsThere, Math.max(1, Math.min(...times) - performance.now()));
  }

  function settle(share: Share, asked: number, permits: Permits | undefined): void {
    const { granted, nextInSeconds, isDayUsed } = permits ?? { granted: 0, nextInSeconds: 1, isDayUsed: false };
    give(share, granted);
    share.isDayUsed = isDayUsed;
    if (granted >= asked) return;
    share.notBeforeMs = performance.now() + Math.min(maxPauseSeconds, nextInSeconds) * 1000;
    const tooMany = share.waiting.splice(isDayUsed ? 0 : maxWaiting);
    for (const each of tooMany) each.reject(refusal(share, options));
  }

  return {
    takePermit(locationId, turn) {
      const share = shareOf(locationId);
      const isShort = share.notBeforeMs > performance.now();
      if (turn === "behind" && (isShort || share.waiting.length > 0)) return Promise.reject(refusal(share, options));
      if (useAhead(share)) return Promise.resolve();
      if (isShort && (share.isDayUsed || share.waiting.length >= maxWaiting)) {
        return Promise.reject(refusal(share, options));
      }
      return new Promise((resolve, reject) => {
        share.waiting.push({ resolve, reject });
        if (isTaking) return;
        if (isShort) comeAgain();
        else void takeWhatIsThere();
      });
    },
    heed(locationId, headers) {
      const share = shareOf(locationId);
      const said = readSaidLimits(headers, { per10Seconds, atOnce, perDay });
      share.said = { ...said, untilMs: performance.now() + saidForMs };
      share.ahead = Math.min(share.ahead, atOnce - (said.minUsed ?? 0));
      if (said.dayUsed === undefined || said.dayUsed >= perDay === share.isDayUsed) return;
      share.isNews = true;
      share.ahead = 0;
      share.notBeforeMs = 0;
      void takeWhatIsThere();
    },
  };
}

const newShare = (): Share => ({
  ...{ waiting: [], ahead: 0, aheadUntilMs: 0, used: 0, takenAtMs: -aheadForMs },
  ...{ notBeforeMs: 0, isDayUsed: false, said: undefined, isNews: false },
});

function give(share: Share, granted: number): void {
  const served = share.waiting.splice(0, granted);
  for (const each of served) each.resolve();
  share.used += served.length;
  share.ahead = granted - served.length;
  share.aheadUntilMs = performance.now() + aheadForMs;
}

function useAhead(share: Share): boolean {
  if (share.ahead <= 0 || share.aheadUntilMs < performance.now()) return false;
  share.ahead--;
  share.used++;
  return true;
}

function findReady(shares: Map<string, Share>): [string, Share][] {
  const now = performance.now();
  return [...shares].filter(
    ([, { waiting, notBeforeMs, isNews }]) => isNews || (waiting.length > 0 && notBeforeMs <= now),
  );
}

function requestOf(locationId: string, share: Share): PermitRequest {
  const now = performance.now();
  const said = share.said && share.said.untilMs > now ? share.said : undefined;
  const ahead = now - share.takenAtMs < aheadForMs ? share.used : 0;
  Object.assign(share, { said: undefined, isNews: false, used: 0, takenAtMs: now });
  return { locationId, count: share.waiting.length, ahead, minUsed: said?.minUsed ?? 0, dayUsed: said?.dayUsed };
}

async function takeAll(
  db: Db,
  wanted: PermitRequest[],
  limits: Parameters<typeof takePermits>[2],
): Promise<Map<string, Permits>> {
  const taken = new Map((await takePermits(db, wanted, limits)).map((each) => [each.locationId, each]));
  const isNew = wanted.filter(({ locationId }) => !taken.has(locationId));
  if (isNew.length === 0) return taken;
  const ids = isNew.map(({ locationId }) => locationId);
  await addBudgets(db, ids);
  for (const each of await takePermits(db, isNew, limits)) taken.set(each.locationId, each);
  return taken;
}

function refusal(
  { isDayUsed, notBeforeMs }: Share,
  { per10Seconds, perDay }: { per10Seconds: number; perDay: number },
) {
  if (!isDayUsed) {
    const detail = `not called: HIGHLEVEL_REQUESTS_PER_10_SECONDS, ${per10Seconds}, are used up for the moment`;
    return new Failure("own_limit", detail, { retryAfterSeconds: patienceSeconds });
  }
  const why = `HIGHLEVEL_REQUESTS_PER_DAY, ${perDay}, are used up, or HighLevel says that its own limit is`;
  const detail = `not called: ${why}; a new day begins at 00:00 UTC`;
  const retryAfterSeconds = Math.min(maxPauseSeconds, (notBeforeMs - performance.now()) / 1000);
  return new Failure("own_limit", detail, { retryAfterSeconds });
}

const uncounted = (cause: unknown) =>
  new Failure("unreachable", "not called: the database that counts the calls does not answer", { cause });
