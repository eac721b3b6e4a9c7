import type { Stage } from "./stage.ts";

/** How one fault of docs/faults.md is brought about, and mended. */
export interface Provocation {
  /** Of a process that cannot start it resolves with what that said. */
  provoke(stage: Stage): Promise<unknown>;
  /**
   * As the page says; `run` does the commands that it gives, with these ids. Without this they are all that there is to
   * do.
   */
  mend?(stage: Stage, run: (ids?: Record<string, string>) => Promise<void>): Promise<unknown>;
  /** Lines that come of how it is brought about, and not of the fault. */
  leavesOut?: RegExp;
}
