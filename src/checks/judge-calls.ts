import type { Finding } from "../model.ts";
import { ok, warning } from "../providers/kit/checks/findings.ts";

/** Below this part of it a day's calls may not last. */
const littlePart = 0.1;

/** What is left of the calls that may be made to HighLevel for a location on one day of UTC. */
export function judgeCalls(usedToday: number, perDay: number): Finding {
  const left = Math.max(0, perDay - usedToday);
  const detail = `${left} of the day's ${perDay} calls to HighLevel are left`;
  if (left >= perDay * littlePart) return ok("calls", detail);
  return warning("calls", detail, "what is over them waits until midnight UTC; an import can be paused meanwhile");
}
