import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { locationId } from "../support/location.ts";
import { until } from "../support/until.ts";
import { alertNames, askPromtool, createEpisode, doesFire, doesLast, type Episode } from "./faults/alerts.ts";
import type { Fault } from "./faults/page.ts";
import { faults, provocations } from "./faults/provocations.ts";
import { type Stage, setStage } from "./faults/stage.ts";

/** An operator at 2 a.m., who has docs/faults.md and nothing else. */
let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.stop());

const fired = new Map<string, Episode>();

test("each fault of the page is provoked, and there is no provocation of another", () => {
  expect([...provocations.keys()]).toEqual(faults.map(({ name }) => name));
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
});

test("each alert is named on the page", () => {
  const named = new Set(faults.flatMap(({ alerts }) => alerts));
  expect([...named].sort()).toEqual([...alertNames].sort());
});

describe("is seen as the page says, and mended by what it says", () => {
  test.each(faults)("$name", async (fault) => {
    const provocation = provocations.get(fault.name);
    if (!provocation) return expect.unreachable("there is no provocation");
    await stage.calm();
    const from = stage.bridge.logLines.length;
    const lines = () => stage.bridge.logLines.slice(from).map((line) => JSON.stringify(line));
    const loudLines = () => lines().filter((line) => isLoud(fault, line) && !provocation.leavesOut?.test(line));
    let ran = 0;
    const run = async (ids: Record<string, string> = {}) => {
      for (const command of fault.commands) await stage.run(command, { LOCATION: locationId, ...ids });
      ran += fault.commands.length;
    };
    try {
      const said = await provocation.provoke(stage);
      if (typeof said === "string") for (const words of fault.events) expect(said).toContain(words);
      else await seeLine(fault, lines, loudLines);
      await seeReadyz(fault);
      for (const alert of fault.alerts) await seeAlert(alert);
      if (isSilent(fault)) expect(loudLines()).toEqual([]);
    } finally {
      await (provocation.mend?.(stage, run) ?? run());
    }
    expect(ran, "the commands of the page are run").toBe(fault.commands.length);
    await seeWell(fault);
  });
});

/** The test runs in the bridge's process, and has it stand still now and then. */
const isLoud = ({ events }: Fault, line: string) =>
  /"level":"(warn|error)"/.test(line) && (events.includes("loop.stalled") || !line.includes("loop.stalled"));
const isSilent = ({ events, fields }: Fault) => events.length + fields.length === 0;

const isOf = ({ events, fields }: Fault, line: string) => {
  const isNamed = events.length === 0 || events.some((event) => line.includes(`"event":"${event}"`));
  return isNamed && fields.every((field) => line.includes(field));
};

/** Words with a colon stand in it as they are; a word alone is a field that says something. */
const shows = (text: string, field: string) =>
  field.startsWith('"') ? text.includes(field) : new RegExp(`"${field}":(?!0[,}]|0\\.[0-9]|null|\\[\\])`).test(text);

async function seeLine(fault: Fault, lines: () => string[], loudLines: () => string[]): Promise<void> {
  if (fault.isInfo) return void (await until(lines, (all) => all.some((line) => isOf(fault, line))));
  if (isSilent(fault)) return;
  const [first = ""] = await until(loudLines, (all) => all.length > 0);
  expect({ line: first, is: isOf(fault, first) }).toEqual({ line: first, is: true });
}

async function seeReadyz({ readyz }: Fault): Promise<void> {
  if (readyz === "no answer") return expect(await stage.readyz()).toBeUndefined();
  const isSo = (answer: Awaited<ReturnType<Stage["readyz"]>>) =>
    answer?.status === readyz.status && readyz.fields.every((field) => shows(answer.text, field));
  await until(stage.readyz, isSo, 20);
}

async function seeAlert(alert: string): Promise<void> {
  const episode = await until(
    async () => createEpisode(alert, stage.before, await stage.scrape()),
    (each) => doesFire(alert, each),
    20,
  ).catch((error: Error) => expect.unreachable(`${alert} does not fire: ${error.message.slice(0, 200)}`));
  fired.set(alert, episode);
}

/** Nothing waits, nothing of the fault is told any more, and nobody would be paged if it stayed so. */
async function seeWell({ readyz, alerts }: Fault): Promise<void> {
  const posted = stage.sandbox.messages().length;
  await until(
    () => stage.text(),
    (status) => status === 200,
    20,
  );
  await stage.untilPosted(posted + 1);
  const fields = readyz === "no answer" ? [] : readyz.fields.filter((field) => field !== '"worker":"ok"');
  const isWell = ({ status, text }: { status: number; text: string }) =>
    status === 200 &&
    text.includes('"waiting":[]') &&
    text.includes('"pausedLocations":[]') &&
    !fields.some((field) => shows(text, field));
  await until(stage.readyz, (answer) => answer !== undefined && isWell(answer), 20);
  const now = await stage.scrape();
  expect(alerts.filter((alert) => doesLast(alert, now))).toEqual([]);
}

test("Prometheus's own tool says the same of each alert, where it is there", () => {
  const answer = askPromtool(fired);
  if (answer === undefined)
    return void process.stdout.write("There is no promtool: the alerts are judged by test/ops/faults alone\n");
  expect(answer).toContain("SUCCESS");
});
