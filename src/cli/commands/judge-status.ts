import { z } from "zod";
import { showDuration } from "../print.ts";
import type { Finding } from "./findings.ts";

const readiness = z.looseObject({
  status: z.string(),
  database: z.string().optional(),
  detail: z.string().optional(),
  worker: z.string().optional(),
  behindSeconds: z.number().default(0),
  sendsHeldSince: z.string().nullish(),
  waiting: z
    .array(z.object({ reason: z.string(), provider: z.string(), count: z.number(), oldestSeconds: z.number() }))
    .default([]),
});

const maxBehindSeconds = 60;
/** For these somebody must do something; the others go on by themselves. */
const failing = new Set(["failing", "own_limit", "paused"]);

/** What `/readyz` tells. */
export function judgeReadiness(status: number, body: unknown, durationMs: number): Finding[] {
  const parsed = readiness.safeParse(body);
  if (!parsed.success) {
    const advice = "what stands there is not the bridge: correct BRIDGE_URL, or the proxy before it";
    return [
      { check: "bridge", state: "failure", detail: `/readyz answers ${status}, and not as a bridge does`, advice },
    ];
  }
  const { detail, worker, behindSeconds, sendsHeldSince, waiting } = parsed.data;
  if (status !== 200) {
    const advice = "docs/faults.md has what ails it, by these words";
    return [{ check: "bridge", state: "failure", detail: detail ?? `it is not ready: worker ${worker}`, advice }];
  }
  const found: Finding[] = [{ check: "bridge", state: "ok", detail: `it is ready, in ${showDuration(durationMs)}` }];
  if (worker === "stuck" || behindSeconds > maxBehindSeconds) {
    const advice = "start one with RUN=worker or all, or restart the one that is stuck";
    const detail = `what could be done waits for ${showDuration(behindSeconds * 1000)} already`;
    found.push({ check: "worker", state: "failure", detail, advice });
  } else found.push({ check: "worker", state: "ok", detail: "nothing waits that could be done" });
  if (sendsHeldSince) {
    const advice = "when all is well, let it go: DELETE /admin/hold";
    found.push({
      check: "hold",
      state: "warning",
      detail: `nothing goes out to people since ${sendsHeldSince}`,
      advice,
    });
  }
  const stopped = waiting.filter(({ reason }) => failing.has(reason));
  return [...found, ...stopped.map(judgeWaiting)];
}

function judgeWaiting({
  reason,
  provider,
  count,
  oldestSeconds,
}: z.output<typeof readiness>["waiting"][number]): Finding {
  const detail = `${count} wait for ${provider}, the oldest for ${showDuration(oldestSeconds * 1000)}: ${reason}`;
  return {
    check: "waiting",
    state: "warning",
    detail,
    advice: "bridge problems, and the checks of its mappings below",
  };
}

/** Signatures that are too old, or of the future, are refused: five minutes are allowed. */
const goodSeconds = 5;
const badSeconds = 60;

export function judgeClock(date: string | null, now: number): Finding[] {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs)) return [{ check: "clock", state: "skipped", detail: "the bridge's answer has no Date" }];
  const apart = Math.abs(theirs - now);
  if (apart <= goodSeconds * 1000)
    return [{ check: "clock", state: "ok", detail: "the bridge's is that of this machine" }];
  const detail = `the bridge's and that of this machine are ${showDuration(apart)} apart`;
  const advice = "one of them is wrong: have it set by NTP. Webhooks signed at another time are refused";
  return [{ check: "clock", state: apart > badSeconds * 1000 ? "failure" : "warning", detail, advice }];
}

const status = z.looseObject({
  version: z.string(),
  database: z.looseObject({ version: z.string(), migrations: z.number() }),
  settings: z.record(z.string(), z.string()),
  standing: z.looseObject({
    dead: z.array(z.looseObject({ count: z.number() })),
    failedWebhooks: z.number(),
  }),
});

/** What `/admin/status` tells, to the operator alone. */
export function judgeStatus(code: number, body: unknown): { findings: Finding[]; publicUrl?: string } {
  if (code === 401) {
    const advice = "bridge login keeps another one";
    return { findings: [{ check: "key", state: "failure", detail: "the bridge does not take this key", advice }] };
  }
  const parsed = status.safeParse(body);
  if (code !== 200 || !parsed.success) {
    const why = code === 403 ? "for ADMIN_API_KEY alone" : `/admin/status answers ${code}`;
    return { findings: ["settings", "database"].map((check) => ({ check, state: "skipped", detail: why })) };
  }
  const { version, database, settings, standing } = parsed.data;
  const dead = standing.dead.reduce((sum, { count }) => sum + count, 0);
  const { PUBLIC_URL: publicUrl } = settings;
  const findings: Finding[] = [
    { check: "version", state: "ok", detail: version },
    { check: "settings", state: "ok", detail: "the bridge has started with them" },
    {
      check: "database",
      state: "ok",
      detail: `version ${database.version}, ${database.migrations} migrations are done`,
    },
    standing.failedWebhooks + dead === 0
      ? { check: "problems", state: "ok", detail: "nothing is dead or failed" }
      : {
          ...{ check: "problems", state: "warning", advice: "bridge problems" },
          detail: `dead deliveries: ${dead}, failed webhooks: ${standing.failedWebhooks}`,
        },
  ];
  return publicUrl === undefined ? { findings } : { findings, publicUrl };
}
