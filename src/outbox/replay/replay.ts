import type { Wake } from "../../model.ts";
import { replayDeliveries } from "../../store/operate/mend/replay-deliveries.ts";
import type { Db } from "../../store/postgres/database.ts";
import { repeatOnConflict } from "../../store/postgres/database-errors.ts";

export interface ReplayContext {
  db: Db;
  onWork: Wake;
}

/** Lets dead deliveries go out again, at the head of their lines; gives how many, and where to go on. */
export async function replay(
  { db, onWork }: ReplayContext,
  which: Parameters<typeof replayDeliveries>[1],
): ReturnType<typeof replayDeliveries> {
  const replayed = await repeatOnConflict(() => db.transaction((tx) => replayDeliveries(tx, which)));
  onWork("deliveries");
  return replayed;
}
