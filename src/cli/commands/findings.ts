import { z } from "zod";
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

const words: Record<FindingState, string> = { ok: "ok", warning: "warn", failure: "FAIL", skipped: "skip" };

export function sayFindings(session: Session, findings: Finding[]): void {
  for (const { check, state, detail, advice } of findings) {
    say(session, `${words[state].padEnd(4)}  ${check}: ${detail}`);
    if (advice !== undefined && state !== "ok") say(session, `      → ${advice}`);
  }
}
