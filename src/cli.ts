#!/usr/bin/env node
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { runCli } from "./cli/run-cli.ts";
import type { Io } from "./cli/session.ts";

const stopping = new AbortController();
process.once("SIGINT", () => stopping.abort());
// Whoever reads it may have had enough, as `head` has.
process.stdout.on("error", () => process.exit(0));

// biome-ignore lint/style/noProcessEnv: the one place of the command line that reads the environment.
const env = process.env;

const io: Io = {
  env,
  write: (words) => void process.stdout.write(words),
  complain: (words) => void process.stderr.write(words),
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  readStdin: () => text(process.stdin),
  configFolder: join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "conversation-bridge"),
  signal: stopping.signal,
};

/** On stderr, so that what is asked for can be piped. */
async function ask(question: string, { isSecret } = { isSecret: false }): Promise<string> {
  process.stderr.write(question);
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: isSecret ? silence : process.stderr, terminal: true });
  lines.once("SIGINT", () => stopping.abort());
  try {
    return await lines.question("", { signal: stopping.signal });
  } finally {
    lines.close();
    if (isSecret) process.stderr.write("\n");
  }
}

process.exitCode = await runCli(process.argv.slice(2), io);
