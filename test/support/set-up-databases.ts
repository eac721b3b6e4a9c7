import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { createDatabase } from "./database.ts";
import { startPostgres } from "./postgres.ts";

/**
 * One PostgreSQL for the whole run, the one of TEST_DATABASE_URL or one of our own, and in both kinds a database to copy.
 * Made for the first project that needs them; the next one finds them.
 */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default async function setUp({ vitest }: TestProject): Promise<() => Promise<void>> {
  const { postgresUrl } = vitest.getProvidedContext();
  if (postgresUrl !== undefined) return async () => undefined;
  const [server, embedded] = await Promise.all([findPostgres(), makeEmbedded()]);
  const migrated = await createDatabase(server.url);
  await (await openDatabase({ url: migrated.url, poolSize: 1, startSeconds: 30 })).close();
  vitest.provide("postgresUrl", server.url);
  vitest.provide("postgresTemplate", new URL(migrated.url).pathname.slice(1));
  vitest.provide("embeddedTemplate", embedded);
  return async () => {
    await migrated.drop();
    await server.stop();
    rmSync(embedded, { recursive: true, force: true });
  };
}

async function findPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  // biome-ignore lint/style/noProcessEnv: the one setting of the test command.
  const given = process.env.TEST_DATABASE_URL;
  if (given) return { url: given, stop: async () => undefined };
  const { socketUrl: url, stop } = await startPostgres();
  return { url, stop };
}

async function makeEmbedded(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), "bridge-embedded-"));
  const database = await openDatabase({ dataDir });
  await database.close();
  return dataDir;
}
