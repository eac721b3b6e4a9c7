import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { createBridge, type Login } from "./call-bridge.ts";
import { CommandError, wrongUse } from "./command-error.ts";
import { say } from "./print.ts";
import type { Io, Session } from "./session.ts";

const login = z.object({ url: z.string(), key: z.string() });
const pathOf = ({ configFolder }: Io) => join(configFolder, "login.json");

/**
 * Which bridge: of the environment, or as `bridge login` has kept it. Both halves come from one place: a key that is kept for
 * one bridge is not sent to another one, which the environment names.
 */
export function readLogin(io: Io): Login {
  const { BRIDGE_URL: url, BRIDGE_KEY: key } = io.env;
  if (url && key) return { url: readUrl(url), key };
  if (url || key)
    throw wrongUse(`${url ? "BRIDGE_KEY" : "BRIDGE_URL"} is not set: set both, or neither`, "bridge login");
  const kept = readKept(pathOf(io));
  if (kept) return kept;
  throw wrongUse("which bridge? Set BRIDGE_URL and BRIDGE_KEY, or have them kept", "bridge login");
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw wrongUse(`${text} is no URL that begins with https:// or http://`);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

function readKept(path: string): Login | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return undefined;
  if (process.platform !== "win32" && (stats.mode & 0o077) !== 0)
    throw new CommandError(`others may read the key in ${path}`, { next: `chmod 600 ${path}` });
  const kept = login.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (kept.success) return kept.data;
  throw new CommandError(`${path} cannot be read`, { next: "bridge login" });
}

export function addLogin(program: Command, { io }: Session): void {
  program
    .command("login [url]")
    .description("keep which bridge to ask, and the key; the key is typed, or comes by stdin")
    .action(async (given: string | undefined) => {
      const url = readUrl(given ?? io.env["BRIDGE_URL"] ?? (await askFor(io, "The bridge's URL: ")));
      const key = (io.ask ? await io.ask("Key: ", { isSecret: true }) : await io.readStdin()).trim();
      if (key === "") throw wrongUse("the key is empty");
      await createBridge({ url, key }, io.signal).get("/admin/locations", { limit: 1 });
      keep(pathOf(io), { url, key });
      say({ io }, `The bridge takes the key. Both are kept in ${pathOf(io)}; bridge logout forgets them.`);
      if (url.startsWith("http://") && !isNear(url))
        say({ io }, "The URL is http://, so others on the way can read the key.");
    });
  program
    .command("logout")
    .description("forget the bridge and the key that login has kept")
    .action(() => {
      rmSync(pathOf(io), { force: true });
      say({ io }, "Forgotten here. The key itself goes on: bridge keys revoke ends it.");
    });
}

async function askFor(io: Io, question: string): Promise<string> {
  if (io.ask) return io.ask(question);
  throw wrongUse("nobody can be asked here: give the URL", "bridge login https://bridge.example.com < key.txt");
}

const isNear = (url: string) => ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname);

function keep(path: string, kept: Login): void {
  mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
  // The mode counts only for a file that is new.
  chmodSync(path, 0o600);
}
