export type Labels = Record<string, string>;
export interface Sample {
  labels: Labels;
  value: number;
}
/** What one scrape shows, by the names of the metrics. */
export type Scrape = Map<string, Sample[]>;
/** The text format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
export function readScrape(text: string): { samples: Scrape; counters: Set<string> } {
  const samples: Scrape = new Map();
  const counters = new Set<string>();
  for (const [, name = "", type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    if (type === "counter") counters.add(name);
    if (type === "histogram") for (const part of ["bucket", "sum", "count"]) counters.add(`${name}_${part}`);
  }
  for (const [, name = "", inside = "", value = ""] of text.matchAll(/^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/gim)) {
    const pairs = [...inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = "", each = ""]) => [key, each]);
    const sample = { labels: Object.fromEntries(pairs) as Labels, value: Number(value.replace("Inf", "Infinity")) };
    samples.set(name, [...(samples.get(name) ?? []), sample]);
  }
  return { samples, counters };
}
