import { createDatabase } from "../test/support/database.ts";
import type { Machine } from "./machine.ts";
import type { Client } from "./processes/client.ts";
import type { HandWrittenSettings } from "./processes/hand-written.ts";
import type { SandboxProcess } from "./processes/sandbox.ts";
import type { Peer } from "./processes/serve.ts";
import { type Helper, type Questions, startHelper } from "./processes/talk.ts";
import type { ProductKind } from "./product.ts";

export interface BenchOptions {
  /** Everything a tenth as large and as long. */
  isQuick: boolean;
  /** All of it, which has to end in time. */
  isWhole: boolean;
  product: ProductKind;
  /** Settings of the bridge that differ from its defaults. */
  settings: Record<string, string>;
}

/** Where one measurement is made: what it starts ends with it. */
export interface Lab extends BenchOptions {
  machine: Machine;
  /** A number of things or seconds: a tenth of it in a quick run. */
  scaled(size: number): number;
  /** An empty database; dropped at the end. */
  newDatabase(): Promise<string>;
  startClient(): Promise<Helper<Client>>;
  startSandbox(): Promise<SandboxInUse>;
  startPeer(
    name: "raw-http" | "echo" | "verified-echo" | "hand-written",
    settings?: HandWrittenSettings,
  ): Promise<number>;
  start<Known extends Questions>(name: string, settings?: unknown, nodeOptions?: string[]): Promise<Helper<Known>>;
  /** Called at the end, the last one first. */
  atEnd(stop: () => Promise<void>): void;
  /** A line of progress. */
  say(text: string): void;
}

export interface SandboxInUse extends Helper<SandboxProcess> {
  url: string;
}

export async function withLab<Result>(
  options: BenchOptions & Pick<Lab, "machine" | "say"> & { serverUrl: string },
  run: (lab: Lab) => Promise<Result>,
): Promise<Result> {
  const stops: (() => Promise<void>)[] = [];
  const lab: Lab = {
    ...options,
    scaled: (size) => (options.isQuick ? Math.ceil(size / 10) : size),
    async newDatabase() {
      const database = await createDatabase(options.serverUrl);
      lab.atEnd(database.drop);
      return database.url;
    },
    async start<Known extends Questions>(name: string, settings?: unknown, nodeOptions?: string[]) {
      const helper = await startHelper<Known>(name, settings, nodeOptions);
      lab.atEnd(helper.stop);
      return helper;
    },
    startClient: () => lab.start<Client>("client"),
    async startSandbox() {
      const { product } = options;
      // It remembers all that it accepts.
      const helper = await lab.start<SandboxProcess>("sandbox", { product }, ["--max-old-space-size=6000"]);
      return { ...helper, url: `http://127.0.0.1:${await helper.ask("port")}` };
    },
    startPeer: async (name, settings) => (await lab.start<Peer>(name, settings)).ask("port"),
    atEnd: (stop) => void stops.unshift(stop),
  };
  try {
    return await run(lab);
  } finally {
    for (const stop of stops) await stop();
  }
}
