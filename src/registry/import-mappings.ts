import { InvalidRequest } from "../errors.ts";
import { findMappingsByKeys, lockForImport } from "../store/mappings.ts";
import type { AccountRow } from "../store/schema.ts";
import type { RegisterContext } from "./register.ts";
import { changeMapping, type MappingInput, notForThisOne, registerMapping } from "./register-mapping.ts";
import { requireAdapter, requireMappedAddress } from "./require-fitting.ts";

export interface ImportedRow {
  /** Where it stands in what was given, for a person. */
  line: number;
  input: Omit<MappingInput, "accountId" | "provider" | "credentials">;
}

export interface RowError {
  line: number;
  path: string;
  message: string;
}

export interface Import {
  created: number;
  /** Were there already: changed to what the row says, also moved to its location. */
  updated: number;
  /** Webhooks that had failed for want of these mappings, and are processed again. */
  replayed: number;
  errors: RowError[];
}

/**
 * Maps many numbers or mailboxes of one account: those that it has already are changed, by their address. All of them or
 * none: with an error in any row, or in a dry run, nothing is kept. What stands in a location that the caller does not reach
 * is another's: it is neither changed nor moved.
 */
export async function importMappings(
  { db, sealer }: RegisterContext,
  account: AccountRow,
  rows: ImportedRow[],
  { isDryRun, reaches }: { isDryRun: boolean; reaches: (locationId: string) => boolean },
): Promise<Import> {
  const done: Import = { created: 0, updated: 0, replayed: 0, errors: [] };
  const lines = new Map<string, number>();
  const adapter = requireAdapter(account.provider);

  const importRow = async (context: RegisterContext, { line, input }: ImportedRow) => {
    const address = requireMappedAddress(adapter, input.address);
    const before = lines.get(address);
    if (before !== undefined) {
      const message = `stands in line ${before} already`;
      throw new InvalidRequest("invalid", "an address twice", [{ path: "address", message }]);
    }
    lines.set(address, line);
    const known = await findMappingsByKeys(context.db, [{ accountId: account.id, address }]);
    const present = known.find(({ deletedAt }) => deletedAt === null);
    if (present && !reaches(present.locationId)) throw notForThisOne();
    const { replayed } = present
      ? await changeMapping(context, present, input)
      : await registerMapping(context, input, account);
    done.replayed += replayed;
    done[present ? "updated" : "created"]++;
  };

  await db
    .transaction(async (tx) => {
      await lockForImport(tx, account.id);
      for (const row of rows) {
        await tx
          .transaction((savepoint) => importRow({ db: savepoint, sealer }, row))
          .catch((error: unknown) => done.errors.push(...errorsOf(row.line, error)));
      }
      if (isDryRun || done.errors.length > 0) throw new NothingKept();
    })
    .catch((error: unknown) => {
      if (!(error instanceof NothingKept)) throw error;
    });
  return done;
}

class NothingKept extends Error {}

function errorsOf(line: number, error: unknown): RowError[] {
  if (!(error instanceof InvalidRequest)) throw error;
  const { errors } = error;
  return errors.length > 0
    ? errors.map(({ path, message }) => ({ line, path, message }))
    : [{ line, path: "", message: error.message }];
}
