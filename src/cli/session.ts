import type { Bridge } from "./call-bridge.ts";

/** What the command line has of the process that it runs in. */
export interface Io {
  env: Record<string, string | undefined>;
  /** To stdout, and to stderr. */
  write(text: string): void;
  complain(text: string): void;
  /** Of the terminal; undefined where stdout is none. */
  columns: number | undefined;
  /** Asks a person, without showing what is typed where it is a secret; undefined where nobody sits at a terminal. */
  ask: ((question: string, how?: { isSecret: boolean }) => Promise<string>) | undefined;
  readStdin(): Promise<string>;
  /** Where what is remembered lies. */
  configFolder: string;
  /** Ctrl+C. */
  signal: AbortSignal;
}

/** One run of the command line. */
export interface Session {
  io: Io;
  /** Was the API's answer asked for, as it is? */
  isJson(): boolean;
  /** Goes on where a person says yes, or `--yes` was given. Throws elsewhere. */
  confirm(question: string): Promise<void>;
  bridge(): Bridge;
  /** What was asked for was done, and found something wrong. */
  foundWrong(): void;
}
