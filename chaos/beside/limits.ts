import { setTimeout as sleep } from "node:timers/promises";
import { weekdays } from "../../src/model.ts";
import type { World } from "../world.ts";
import { judgeTaken } from "./judges.ts";

/** What a mapping may send: nothing to begin with, and little by little more. */
export interface Limits {
  /** All may go. */
  stop(): void;
  waiting(): string[];
  complaints(): string[];
}

/** So many more may go each time when something waits for the next day. */
const more = 3;

/**
 * Closes a mapping's hours until something waits for them, opens them with a daily cap of one, and raises that whenever something
 * waits for the next day, until it is stopped. Nobody comes out over a limit that only grows, however late what has begun arrives.
 */
export async function startLimits(world: World, mappingId: string): Promise<Limits> {
  const { door } = world;
  const complaints: string[] = [];
  let [isStopped, isDone, isGone] = [false, false, false];
  world.atEnd(() => {
    isGone = true;
  });
  const timeZone = zoneAtNoon();
  const always = { sendFrom: "00:00", sendUntil: "24:00", sendDays: null, timeZone };

  /** Before what was set before ends, nothing beyond it has come. */
  const change = async (cap: number, settings: object) => {
    complaints.push(...judgeTaken(door.sends, cap));
    while (!isGone && !(await tryTo(() => world.admin("PATCH", `/mappings/${mappingId}`, settings)))) await sleep(100);
  };
  const isHeld = async (reason: string) => {
    const path = `/deliveries?state=pending&kind=send-outbound&reason=${reason}&limit=1`;
    const found = await tryTo(() => world.admin<{ items: unknown[] }>("GET", path));
    return found !== undefined && found.items.length > 0;
  };
  const untilHeld = async (reason: string) => {
    while (!isGone && !(await isHeld(reason))) await sleep(200);
  };
  const relax = async () => {
    await untilHeld("outside_window");
    await change(0, { ...always, dailyCap: 1 });
    await untilHeld("daily_cap");
    let cap = 1;
    for (; !isStopped && !isGone; await sleep(200)) {
      if (!(await isHeld("daily_cap"))) continue;
      await change(cap, { dailyCap: cap + more });
      cap += more;
    }
    await change(cap, { dailyCap: null });
    isDone = true;
  };

  await world.admin("PATCH", `/mappings/${mappingId}`, { ...always, sendDays: [inThreeDays()] });
  void relax();
  return {
    stop() {
      isStopped = true;
    },
    waiting: () => (isDone ? [] : ["a send that was to wait for its hours, and then for the next day"]),
    complaints: () => complaints,
  };
}

/** The bridge that was asked may be gone. */
async function tryTo<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  return ask().catch(() => undefined);
}

/** In no zone is it today. */
const inThreeDays = () => weekdays[(new Date().getUTCDay() + 2) % 7];

/** The next day, on which a cap counts anew, is hours away. */
function zoneAtNoon(): string {
  const west = new Date().getUTCHours() - 12;
  return `Etc/GMT${west < 0 ? west : `+${west}`}`;
}
