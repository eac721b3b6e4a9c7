import { once } from "node:events";
import { join } from "node:path";
import { spawnChild } from "../../test/support/spawn-child.ts";

/** What a process of the benchmark can be asked, by name. */
export type Questions = Record<string, (argument: never) => unknown>;

export interface Helper<Known extends Questions> {
  pid: number;
  ask<Name extends keyof Known & string>(
    name: Name,
    ...argument: Parameters<Known[Name]>
  ): Promise<Awaited<ReturnType<Known[Name]>>>;
  /** Ends it at once, whatever it is at. */
  stop(): Promise<void>;
}

interface Question {
  id: number;
  name: string;
  argument: unknown;
}
type Answer = { id: number; value?: unknown } | { id: number; error: string };

/** In the helper: answers what is asked, several questions at once if need be, and ends with the process that asks. */
export function answerQuestions(questions: Questions): void {
  const send = (answer: Answer) => void process.send?.(answer);
  process.on("message", async ({ id, name, argument }: Question) => {
    try {
      send({ id, value: await questions[name]?.(argument as never) });
    } catch (error) {
      send({ id, error: String(error instanceof Error ? error.stack : error) });
    }
  });
  process.on("disconnect", () => process.exit(0));
  send({ id: 0 });
}

/** Starts bench/processes/<name>.ts as a process of its own, and resolves when it can be asked. */
export async function startHelper<Known extends Questions>(
  name: string,
  settings: unknown = {},
  nodeOptions: string[] = [],
): Promise<Helper<Known>> {
  const file = join(import.meta.dirname, `${name}.ts`);
  const child = spawnChild(process.execPath, [...nodeOptions, "--import", "tsx", file, JSON.stringify(settings)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const waiting = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  child.on("message", (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  const exited = once(child, "exit");
  exited.then(([code, signal]) => {
    for (const [id, settle] of waiting) settle({ id, error: `${name} ended with ${code ?? signal}` });
  });
  const answerTo = (id: number) =>
    new Promise<unknown>((resolve, reject) => {
      waiting.set(id, (answer) =>
        "error" in answer ? reject(new Error(`${name}: ${answer.error}`)) : resolve(answer.value),
      );
    });
  await answerTo(0);
  return {
    pid: child.pid ?? 0,
    ask: (question, ...[argument]) => {
      const id = ++lastId;
      const answer = answerTo(id);
      child.send({ id, name: question, argument });
      return answer as never;
    },
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** What `startHelper` was given. */
export const settingsOf = <Settings>(): Settings => JSON.parse(process.argv.at(-1) ?? "{}") as Settings;
