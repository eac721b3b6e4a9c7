import { readFileSync } from "node:fs";
import { wrongUse } from "./command-error.ts";
import type { Session } from "./session.ts";

/** A file, or stdin where it is `-`. */
export async function readText({ io }: Session, file: string): Promise<string> {
  if (file === "-") return io.readStdin();
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw wrongUse(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
