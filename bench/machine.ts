import { execFileSync } from "node:child_process";
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { projectRoot } from "./product.ts";
import { quantile } from "./statistics.ts";

export interface Machine {
  /** For file names. */
  name: string;
  cpu: string;
  cores: number;
  memoryGb: number;
  /** Of an fsync after a write of 8 kB, where temporary files lie. */
  flushMs: number;
  flushMsP99: number;
  /** Processes that wanted a core in the minute before: near 0 on a machine that is left alone. */
  loadBefore: number;
  platform: string;
  node: string;
  postgresql: string;
  commit: string;
  hasUncommittedChanges: boolean;
}

/** Throws when PostgreSQL does not flush what it commits: its numbers would say nothing. */
export async function describeMachine(databaseUrl: string): Promise<Machine> {
  const [first] = cpus();
  const cpu = (first?.model ?? "unknown CPU").trim();
  const cores = cpus().length;
  const flushes = measureFlushes(300);
  return {
    name: `${cpu}-${cores}-cores`.toLowerCase().replace(/[^a-z0-9]+/g, "-"),
    cpu,
    cores,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    flushMs: quantile(flushes, 0.5),
    flushMsP99: quantile(flushes, 0.99),
    loadBefore: loadavg()[0] ?? 0,
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    postgresql: await describePostgres(databaseUrl),
    ...describeCommit(),
  };
}

function measureFlushes(count: number): number[] {
  const folder = mkdtempSync(join(tmpdir(), "bench-flush-"));
  const file = openSync(join(folder, "file"), "w");
  const page = Buffer.alloc(8192, 1);
  const took = Array.from({ length: count }, () => {
    writeSync(file, page, 0, page.length, 0);
    const started = performance.now();
    fsyncSync(file);
    return performance.now() - started;
  });
  closeSync(file);
  rmSync(folder, { recursive: true });
  return took;
}

async function describePostgres(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ name: string; setting: string }>(
    "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'server_version')",
  );
  await client.end();
  const setting = Object.fromEntries(rows.map((row) => [row.name, row.setting]));
  if (setting["fsync"] !== "on" || setting["synchronous_commit"] !== "on") {
    throw new Error("this PostgreSQL has fsync or synchronous_commit off: nothing measured on it would count");
  }
  return `${setting["server_version"]}, fsync on, synchronous_commit on`;
}

function describeCommit(): Pick<Machine, "commit" | "hasUncommittedChanges"> {
  const git = (...words: string[]) =>
    execFileSync("git", words, { cwd: projectRoot, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    return {
      commit: git("rev-parse", "--short", "HEAD"),
      hasUncommittedChanges: git("status", "--porcelain", "--", "src", "bench", "migrations") !== "",
    };
  } catch {
    return { commit: "unknown", hasUncommittedChanges: false };
  }
}
