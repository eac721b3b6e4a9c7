import { listOptOuts, type OptOutFilter } from "../../store/consent/opt-outs.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { OptOut } from "../../store/schema.ts";
import { toLine } from "../csv.ts";

/** All of them as CSV, as fast as it is taken. */
export async function* optOutLines(people: Db, found: OptOutFilter): AsyncGenerator<string> {
  yield toLine(columns);
  let before: number | undefined;
  do {
    const { rows, walkedTo } = await listOptOuts(people, { ...found, before, limit: 1000 });
    yield rows.map((each) => toLine(toCells(each))).join("");
    before = rows.length < 1000 ? walkedTo : rows.at(-1)?.id;
  } while (before !== undefined);
}

const columns = ["locationId", "channel", "address", "cause", "detail", "optedOutAt", "liftedAt", "liftedBy"] as const;
const toCells = (optOut: OptOut) =>
  columns.map((name) => (optOut[name] instanceof Date ? optOut[name].toISOString() : (optOut[name] ?? "")));
