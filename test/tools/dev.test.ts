import { utimesSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StoredMessage } from "../../src/sandbox/state.ts";
import { sendSample } from "../../tools/send-sample.ts";
import { type Script, startScript } from "../support/script.ts";
import { takePorts } from "../support/take-ports.ts";
import { until } from "../support/until.ts";

let dev: Script | undefined;
let release = () => {};
beforeAll(async () => {
  release = await takePorts(3000, 4010);
});
afterAll(() => {
  release();
  dev?.child.kill("SIGKILL");
});

test("npm run dev runs the source with all around it, takes a change up, and keeps what came before it", async () => {
  dev = startScript("tools/dev.ts");
  const [, sandboxUrl = ""] = await dev.untilPrinted(/the inbox +(\S+)\//);
  await dev.untilPrinted(/start it again\.\n/);
  const send = () => {
    const [, args = ""] = /npm run send-sample -- (twilio --to \S+)/.exec(dev?.printed() ?? "") ?? [];
    return sendSample(args.split(" "), () => undefined);
  };
  const messages = async () =>
    ((await (await fetch(`${sandboxUrl}/_sandbox/state`)).json()) as { messages: StoredMessage[] }).messages;
  await send();
  await until(messages, ({ length }) => length === 1, 60);

  const now = new Date();
  utimesSync(join(import.meta.dirname, "../../src/http/health.ts"), now, now);
  await dev.untilPrinted(/change in \S*health\.ts/);
  // While it starts again nobody listens, or the old one stops.
  await until(
    () =>
      send().then(
        () => true,
        () => false,
      ),
    (isTaken) => isTaken,
    100,
  );
  expect(await until(messages, ({ length }) => length >= 2, 60)).toHaveLength(2);

  dev.child.kill("SIGTERM");
  expect(await dev.exited, dev.printed()).toBe(0);
}, 300_000);
