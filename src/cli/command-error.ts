export const exitCodes = { fine: 0, wrong: 1, wrongUse: 2 } as const;

/** What ends a run: what happened, and which command is the next. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly exitCode: 1 | 2;
  /** What to run, or to do, now. */
  readonly next: string | undefined;

  constructor(message: string, { next, exitCode = exitCodes.wrong }: { next?: string; exitCode?: 1 | 2 } = {}) {
    super(message);
    this.exitCode = exitCode;
    this.next = next;
  }
}

/** The command was given wrongly. */
export const wrongUse = (message: string, next?: string) =>
  new CommandError(message, { exitCode: exitCodes.wrongUse, ...(next === undefined ? {} : { next }) });
