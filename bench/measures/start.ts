import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBridgeProcess } from "../bridge.ts";
import type { Lab } from "../lab.ts";
import type { Finding, Row } from "../report.ts";
import { median } from "../statistics.ts";

/** From the start of the process until `GET /readyz` says 200: on a new database, which is migrated, and on the same again. */
export async function measureStart(lab: Lab): Promise<Finding> {
  const times = lab.isQuick ? 1 : 3;
  const postgres = await measureOn(lab, times, async () => ({ DATABASE_URL: await lab.newDatabase() }));
  const embedded = await measureOn(lab, times, async () => {
    const folder = mkdtempSync(join(tmpdir(), "bench-data-"));
    lab.atEnd(async () => rmSync(folder, { recursive: true, force: true }));
    return { DATA_DIR: folder };
  });
  const row = (where: string, { first, again }: typeof postgres, seconds: number): Row => ({
    what: `cold start to ready, ${where}`,
    // The slower of the two.
    value: Math.max(median(first), median(again)),
    unit: "s",
    bar: { is: "under", value: seconds },
    note: `new ${median(first).toFixed(2)} s, the same again ${median(again).toFixed(2)} s; medians of ${times}`,
  });
  return {
    measure: "start",
    rows: [row("PostgreSQL", postgres, 1), row("the embedded database", embedded, 2)],
    details: { postgres, embedded },
  };
}

async function measureOn(lab: Lab, times: number, newPlace: () => Promise<Record<string, string>>) {
  const first: number[] = [];
  const again: number[] = [];
  for (let time = 0; time < times; time++) {
    const environment = await newPlace();
    for (const took of [first, again]) {
      const bridge = await startBridgeProcess(lab, environment);
      took.push(bridge.readyMs / 1000);
      await bridge.stop();
    }
  }
  return { first, again };
}
