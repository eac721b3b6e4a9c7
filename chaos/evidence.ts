import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { World } from "./world.ts";

const tables = ["locations", "conversations", "lanes", "webhooks", "messages", "deliveries", "attempts", "imports"];

/** Keeps what tells how a run went wrong: the log of each process, the tables, and what HighLevel and the door have. Gives the folder. */
export async function keepEvidence(world: World, name: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `bridge-chaos-${name}-`));
  for (const [index, { logLines }] of world.started.entries()) {
    writeFileSync(join(folder, `bridge-${index}.log`), `${logLines.join("\n")}\n`);
  }
  const keep = (file: string, rows: unknown[]) =>
    writeFileSync(join(folder, file), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  keep("highlevel.jsonl", world.sandbox.messages());
  keep("door-sends.jsonl", world.door.sends);
  keep("door-events.jsonl", world.door.events);
  const client = new pg.Client({ connectionString: world.databaseUrl });
  try {
    await client.connect();
    for (const table of tables) keep(`${table}.jsonl`, (await client.query(`select * from ${table}`)).rows);
    keep(
      "activity.jsonl",
      (await client.query("select * from pg_stat_activity where datname = current_database()")).rows,
    );
  } finally {
    await client.end();
  }
  return folder;
}
