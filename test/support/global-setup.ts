import type { TestProject } from "vitest/node";
import { startPostgres } from "./postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A PostgreSQL server on which test files make databases of their own. */
    postgresUrl: string;
    /** How many mutated requests each adapter and each route must bear. */
    fuzzRuns: number;
  }
}

/** One PostgreSQL for the whole run: the one of TEST_DATABASE_URL, or one of our own. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  // biome-ignore lint/style/noProcessEnv: the one setting of the test command.
  const given = process.env.TEST_DATABASE_URL;
  if (given) {
    project.provide("postgresUrl", given);
    return async () => undefined;
  }
  const server = await startPostgres();
  project.provide("postgresUrl", server.url);
  return server.stop;
}
