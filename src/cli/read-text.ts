import { readFileSync } from "node:fs";
import { wrongUse } from "./command-error.ts";
import type { Session } from "./session.ts";

/** A file, or stdin where it is `-`. */
export const readText = async (session: Session, file: string): Promise<string> =>
  (await readWhole(session, file)).toString();

/** The same as it is, for the bridge to find out what its bytes say. */
export async function readWhole({ io }: Session, file: string): Promise<Buffer | string> {
  if (file === "-") return io.readStdin();
  try {
    return readFileSync(file);
  } catch (error) {
    throw wrongUse(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
