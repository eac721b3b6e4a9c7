import type { Surroundings, World } from "./world.ts";

/** One fault, or one storm of them. */
export interface Scenario extends Surroundings {
  /** What is broken. */
  about: string;
  /** Breaks things while the load goes on, and ends with everything mended. */
  disturb(world: World): Promise<void>;
  /** Comes first, before there are bridges. */
  prepare?(world: World): void | Promise<void>;
  /** It begins with processes of the version before. */
  beginsEarlier?: true;
  /** The numbers of processes that make sense; 1 and 3 by default. */
  processes?: number[];
  /** Providers must have been told to come again. */
  mustRefuse?: true;
  /** Why it cannot run on this machine. */
  skipBecause?(): string | undefined;
}
