import { Failure } from "../../errors.ts";
import { oweUntoldDnd } from "../../registry/opt-outs/change-consents.ts";
import { describeOptOut } from "../../registry/opt-outs/describe-opt-out.ts";
import { findStanding, type Recipient } from "../../store/consent/opt-outs.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { OptOut } from "../../store/schema.ts";

/**
 * Begins what reaches a person, unless they have opted out: none begins after an opt-out was committed, as that waits for what
 * is about to begin. Throws a Failure, `opted_out`, before anybody is called, and has HighLevel told where it was not.
 */
export async function beginUnlessOptedOut<Result>(
  db: Db,
  recipient: Recipient,
  begin: () => Promise<Result>,
): Promise<Result> {
  let begun: Promise<Result> | undefined;
  let optOut: OptOut | undefined;
  try {
    await db.transaction(async (tx) => {
      optOut = await findStanding(tx, recipient);
      if (optOut) return;
      begun = begin();
      // What becomes of it is for whoever waits for it below.
      begun.catch(() => undefined);
    });
  } catch (error) {
    // Nothing was written: once it has begun, how the transaction ends says nothing.
    if (begun === undefined) throw error;
  }
  if (begun !== undefined) return begun;
  if (optOut === undefined) throw new Error("it has not begun");
  await oweUntoldDnd(db, optOut);
  throw new Failure("opted_out", describeOptOut(optOut), { code: "opted_out" });
}
