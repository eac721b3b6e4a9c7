import { z } from "zod";
import { reasons } from "../../advice/reasons.ts";
import type { FailureReason } from "../../errors.ts";
import { say } from "../print.ts";
import type { Session } from "../session.ts";

/** `skipped`: what could not be looked at, as the key may not, or the bridge does not answer. */
export type FindingState = "ok" | "warning" | "failure" | "skipped";

export interface Finding {
  check: string;
  state: FindingState;
  detail: string;
  advice?: string | undefined;
}

/** As the bridge's checks answer. */
export const checkResult = z.looseObject({
  state: z.enum(["ok", "warning", "failure"]),
  checks: z.array(
    z.looseObject({
      check: z.string(),
      state: z.enum(["ok", "warning", "failure"]),
      detail: z.string(),
      advice: z.string().optional(),
    }),
  ),
});

/** What to do about what was given up for a reason. A later bridge may have others. */
export const adviceFor = (reason: string): string =>
  isKnown(reason) ? reasons[reason].advice : "Read why, correct it, then replay it.";
const isKnown = (reason: string): reason is FailureReason => Object.hasOwn(reasons, reason);

const words: Record<FindingState, string> = { ok: "ok", warning: "warn", failure: "FAIL", skipped: "skip" };

export function sayFindings(session: Session, findings: Finding[]): void {
  for (const { check, state, detail, advice } of findings) {
    say(session, `${words[state].padEnd(4)}  ${check}: ${detail}`);
    if (advice !== undefined && state !== "ok") say(session, `      → ${advice}`);
  }
}
