import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { root } from "../../docs/blocks.ts";
import { evaluate } from "./promql.ts";
import { type Labels, readScrape, type Sample, type Scrape } from "./scrape.ts";

const path = join(root, "ops/alerts.yaml");
const rule = z.object({ alert: z.string(), expr: z.string(), for: z.string().default("0m") });
const { groups } = z
  .object({ groups: z.array(z.object({ rules: z.array(rule) })) })
  .parse(parse(readFileSync(path, "utf8")));
const rules = new Map(groups.flatMap((group) => group.rules).map((each) => [each.alert, each]));

export const alertNames = [...rules.keys()];
const metricsOf = (expression: string) => expression.match(/\b(bridge|nodejs)_\w+/g) ?? [];
const watched = new Set([...rules.values()].flatMap(({ expr }) => metricsOf(expr)));

/** A fault as Prometheus would see it that scrapes once in a minute. */
export interface Episode {
  minutes: Scrape[];
}

/**
 * Two scrapes before it, and then as many while it lasts as the alert wants: gauges stay as they were seen, and of what is
 * counted as much comes in each minute as came when it was provoked. No answer to a scrape is an empty text.
 */
export function createEpisode(alert: string, before: string, during: string): Episode {
  const [first, then] = [readScrape(before), readScrape(during)];
  const calm = seen(first.samples, (_name, { value }) => value);
  const risen = seen(then.samples, (name, { labels, value }) => {
    const last = then.counters.has(name) ? first.samples.get(name)?.find(hasLabels(labels)) : undefined;
    return last === undefined ? 0 : value - last.value;
  });
  const after = (minute: number): Scrape =>
    seen(then.samples, (name, { value }, index) => value + minute * (risen.get(name)?.[index]?.value ?? 0));
  const minutes = minutesOf(ruleOf(alert).for) + 1;
  return { minutes: [calm, calm, ...Array.from({ length: minutes }, (_, minute) => after(minute))] };
}

const hasLabels = (labels: Labels) => {
  const wanted = Object.entries(labels);
  return (each: Sample) => wanted.every(([name, text]) => each.labels[name] === text);
};

/** Of what alerts are about, as Prometheus has it, which adds whom it has scraped. */
const seen = (samples: Scrape, read: (name: string, sample: Sample, index: number) => number): Scrape =>
  new Map(
    [...samples].flatMap(([name, all]) =>
      watched.has(name)
        ? [
            [
              name,
              all.map((sample, index) => ({
                labels: { ...sample.labels, instance },
                value: read(name, sample, index),
              })),
            ],
          ]
        : [],
    ),
  );
const instance = "bridge:3000";

/** Does the alert fire once the fault has lasted for as long as its `for` says, and is it quiet before? */
export function doesFire(name: string, { minutes }: Episode): boolean {
  const { expr, for: wait } = ruleOf(name);
  if (evaluate(expr, minutes, 1).length > 0) return false;
  const all = Array.from({ length: minutesOf(wait) + 1 }, (_, minute) => evaluate(expr, minutes, 2 + minute));
  return all.every((vector) => vector.length > 0);
}

/** Would it fire if all stayed for long as this scrape shows it? */
export function doesLast(name: string, now: string): boolean {
  const hour = Array<Scrape>(61).fill(seen(readScrape(now).samples, (_name, { value }) => value));
  return evaluate(ruleOf(name).expr, hour, 60).length > 0;
}

function ruleOf(name: string) {
  const found = rules.get(name);
  if (!found) throw new Error(`ops/alerts.yaml has no ${name}`);
  return found;
}

const minutesOf = (text: string) => Number(/^(\d+)m$/.exec(text)?.[1]);

/** Prometheus's own word on it, where its `promtool` is there; else undefined. */
export function askPromtool(fired: Map<string, Episode>): string | undefined {
  try {
    execFileSync("promtool", ["--version"], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "alerts-"));
  const tests = [...fired].map(([alert, { minutes }]) => ({
    name: alert,
    interval: "1m",
    input_series: seriesOf(minutes, new Set(metricsOf(ruleOf(alert).expr))),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}", alertstate="firing"}) > bool 0`,
        eval_time: `${2 + minutesOf(ruleOf(alert).for)}m`,
        exp_samples: [{ labels: "{}", value: 1 }],
      },
    ],
  }));
  writeFileSync(join(folder, "test.yaml"), stringify({ rule_files: [path], evaluation_interval: "1m", tests }));
  try {
    return execFileSync("promtool", ["test", "rules", join(folder, "test.yaml")], { encoding: "utf8" });
  } catch (error) {
    return String((error as { stdout?: string }).stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Prometheus marks what a scrape no longer has. */
function seriesOf(minutes: Scrape[], names: Set<string>): { series: string; values: string }[] {
  const series = new Map<string, (number | "_")[]>();
  for (const [minute, scrape] of minutes.entries()) {
    for (const name of names) {
      for (const { labels, value } of scrape.get(name) ?? []) {
        const inside = Object.entries(labels).map(([key, text]) => `${key}="${text}"`);
        const key = `${name}{${inside.join(", ")}}`;
        const values = series.get(key) ?? minutes.map((): number | "_" => "_");
        values[minute] = value;
        series.set(key, values);
      }
    }
  }
  const marked = (values: (number | "_")[]) =>
    values.map((value, minute) => (value === "_" && typeof values[minute - 1] === "number" ? "stale" : value));
  return [...series].map(([key, values]) => ({ series: key, values: marked(values).join(" ") }));
}
