import type { Program } from "./build.ts";

/** What test files may `inject`. */
declare module "vitest" {
  export interface ProvidedContext {
    /** A PostgreSQL server on which test files make databases of their own. */
    postgresUrl: string;
    /** A data directory of the embedded database, migrated and at rest, to be copied: making one takes seconds. */
    embeddedTemplate: string;
    /** The name of a database that has all migrations, to be copied. */
    postgresTemplate: string;
    /** The compiled bridge, for tests that start it as a process. */
    program: Program;
    /** How many mutated requests each adapter and each route must bear. */
    fuzzRuns: number;
    /** How many random programs the model is held to. */
    modelRuns: number;
    /** How hard attacks are, 1 for the whole, and how long the other tenant may wait for 99 of 100 answers, if that is judged. */
    attack: { size: number; mostMs: number | undefined };
  }
}
