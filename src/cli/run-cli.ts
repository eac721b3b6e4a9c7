import { Command, CommanderError } from "commander";
import { ZodError } from "zod";
import { version } from "../package.ts";
import { createBridge } from "./call-bridge.ts";
import { CommandError, exitCodes, wrongUse } from "./command-error.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addImports } from "./commands/imports.ts";
import { addKeys } from "./commands/keys.ts";
import { addLocations } from "./commands/locations.ts";
import { addMappings } from "./commands/mappings.ts";
import { addMessages } from "./commands/messages.ts";
import { addOpenapi } from "./commands/openapi.ts";
import { addProblems } from "./commands/problems.ts";
import { addReplay } from "./commands/replay.ts";
import { addReplays } from "./commands/replays.ts";
import { addSendTest } from "./commands/send-test.ts";
import { addTail } from "./commands/tail.ts";
import { escapeText } from "./escape.ts";
import { addLogin, readLogin } from "./login.ts";
import type { Io, Session } from "./session.ts";

const about = `Asks a bridge by its API, with ADMIN_API_KEY or an integrator's key.
Which one: BRIDGE_URL and BRIDGE_KEY, or what "bridge login" has kept.`;

/** Runs one command. Gives the exit code: 0 fine, 1 something is wrong or was refused, 2 it was used wrongly. */
export async function runCli(args: string[], io: Io): Promise<number> {
  let exitCode: number = exitCodes.fine;
  const program = new Command("bridge");
  const session: Session = {
    io,
    isJson: () => program.opts()["json"] === true,
    confirm: (question) => confirm(io, question, program.opts()["yes"] === true),
    bridge: () => createBridge(readLogin(io), io.signal),
    foundWrong() {
      exitCode = exitCodes.wrong;
    },
  };
  program
    .description(about)
    .version(version)
    .option("--json", "the API's answer, as it is")
    .option("--yes", "do not ask")
    .configureOutput({ writeOut: io.write, writeErr: io.complain, getOutHelpWidth: () => io.columns ?? 80 })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("--help says how it is used.")
    .exitOverride();
  addDoctor(program, session);
  addProblems(program, session);
  addMessages(program, session);
  addReplay(program, session);
  addReplays(program, session);
  addSendTest(program, session);
  addTail(program, session);
  addMappings(program, session);
  addLocations(program, session);
  addImports(program, session);
  addKeys(program, session);
  addLogin(program, session);
  addOpenapi(program, session);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    return explain(io, error);
  }
  return exitCode;
}

async function confirm({ ask }: Io, question: string, isSure: boolean): Promise<void> {
  if (isSure) return;
  if (!ask) throw wrongUse(`${question} Nobody can be asked here: --yes goes on without`);
  if (!/^y(es)?$/i.test((await ask(`${escapeText(question)} [y/N] `)).trim()))
    throw new CommandError("nothing was done");
}

function explain(io: Io, error: unknown): number {
  if (io.signal.aborted) {
    io.complain("ended before it was done\n");
    return exitCodes.wrong;
  }
  // Its words are printed already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.wrongUse;
  const lines = wordsOf(error).split("\n").map(escapeText);
  io.complain(`${lines.join("\n")}\n`);
  return error instanceof CommandError ? error.exitCode : exitCodes.wrong;
}

function wordsOf(error: unknown): string {
  if (error instanceof CommandError)
    return error.next === undefined ? error.message : `${error.message}\n  ${error.next}`;
  if (error instanceof ZodError)
    return `the bridge answers otherwise than this version knows: ${error.issues[0]?.path.join(".")} ${error.issues[0]?.message}`;
  return error instanceof Error ? error.message : String(error);
}
