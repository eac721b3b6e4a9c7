import type { Log } from "../log.ts";

/** What the line of an attempt tells of it. */
interface Attempted {
  provider?: string;
  accountId?: string;
  endpointId?: string;
  outcome?: string;
  status?: number;
}

interface Outage {
  failures: number;
  beganMs: number;
  isTold: boolean;
}

/** No word came, or none that says anything of the message. Not so what limits of ours keep back. */
const outages = new Set(["unreachable", "outcome_unknown", "unavailable", "server_error"]);
/** One that is not answered may be a hiccup, and so may two. */
const failuresInRow = 3;
const maxOutages = 10_000;

/**
 * Says once when HighLevel, a provider for one account, or an endpoint that is told of events no longer does what it should, and once when it does again: for
 * this process alone, by the lines of its attempts, which are passed on.
 */
export function watchOutages(log: Log): Log {
  const known = new Map<string, Outage>();

  function fail(key: string, { provider, accountId, endpointId, outcome, status }: Attempted): void {
    if (known.size >= maxOutages) known.clear();
    const outage = known.get(key) ?? { failures: 0, beganMs: performance.now(), isTold: false };
    known.set(key, outage);
    outage.failures++;
    if (outage.isTold || outage.failures < failuresInRow) return;
    outage.isTold = true;
    log("warn", "provider.unreachable", { provider, accountId, endpointId, reason: outcome, status });
  }

  function succeed(key: string, { provider, accountId, endpointId }: Attempted): void {
    const outage = known.get(key);
    known.delete(key);
    if (!outage?.isTold) return;
    const forSeconds = Math.round((performance.now() - outage.beganMs) / 1000);
    log("warn", "provider.reachable", { provider, accountId, endpointId, forSeconds });
  }

  return (level, event, fields) => {
    log(level, event, fields);
    if (event !== "delivery.attempted") return;
    const attempted = fields as Attempted;
    if (attempted.provider === undefined) return;
    const key = `${attempted.provider} ${attempted.accountId ?? attempted.endpointId}`;
    if (outages.has(attempted.outcome ?? "")) fail(key, attempted);
    // Also a refusal is an answer.
    else if (attempted.outcome === "delivered" || attempted.status !== undefined) succeed(key, attempted);
  };
}
