import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../../src/cli/run-cli.ts";
import type { Io } from "../../src/cli/session.ts";

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Runs the command line in this process, as somebody does who sits at no terminal. */
export async function run(args: string[], io: Partial<Io> = {}): Promise<Ran> {
  const ran: Ran = { code: -1, out: "", err: "" };
  ran.code = await runCli(args, {
    ...{ env: {}, columns: undefined, ask: undefined, readStdin: async () => "", signal: new AbortController().signal },
    configFolder: join(tmpdir(), "no-such-folder-of-the-bridge"),
    write: (text) => {
      ran.out += text;
    },
    complain: (text) => {
      ran.err += text;
    },
    ...io,
  });
  return ran;
}

export const newFolder = () => mkdtempSync(join(tmpdir(), "bridge-cli-"));
