import type { Tuning } from "../src/start-bridge.ts";
import type { World } from "./world.ts";

/** One fault, or one storm of them. */
export interface Scenario {
  name: string;
  /** What is broken. */
  about: string;
  /** Breaks things while the load goes on, and ends with everything mended. */
  disturb(world: World): Promise<void>;
  /** Comes first, before there are bridges. */
  prepare?(world: World): void | Promise<void>;
  /** What the bridge in a place is told beyond the usual. */
  environment?(world: World, place: number): Record<string, string>;
  /** Time runs faster than in production: how, and in words. */
  scaled?: { tuning: Partial<Tuning>; words: string };
  /** A PostgreSQL of its own, because it is stopped. */
  ownPostgres?: true;
  /** The numbers of processes that make sense; 1 and 3 by default. */
  processes?: number[];
  /** Providers must have been told to come again. */
  mustRefuse?: true;
  /** Why it cannot run on this machine. */
  skipBecause?(): string | undefined;
}
