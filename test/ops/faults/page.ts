import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../docs/blocks.ts";

/** A fault as docs/faults.md tells it. */
export interface Fault {
  name: string;
  /** The events that its first line may be; with a start that fails, the words that it ends with. */
  events: string[];
  /** What stands in that line. */
  fields: string[];
  /** Is that line one of level info, because nothing is wrong with the bridge? */
  isInfo: boolean;
  readyz: { status: number; fields: string[] } | "no answer";
  alerts: string[];
  /** What to run. */
  commands: string[];
}

const head = "| fault | the log | `/readyz` | alert | then |";

/** All rows of the tables with that head, whatever section they stand in. */
export function readFaults(): Fault[] {
  const lines = readFileSync(join(root, "docs/faults.md"), "utf8").split("\n");
  let isFault = false;
  return lines.flatMap((line) => {
    if (line === head) isFault = true;
    else if (!line.startsWith("|")) isFault = false;
    else if (isFault && !line.startsWith("|---")) return [readRow(line)];
    return [];
  });
}

function readRow(line: string): Fault {
  const [name = "", log = "", readyz = "", alerts = "", then = "", ...more] = line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
  if (more.length > 0) throw new Error(`docs/faults.md has too many cells for ${name}`);
  const [said, shown] = [codesOf(log), codesOf(readyz)];
  return {
    name,
    events: said.filter((code) => !isField(code)),
    fields: said.filter(isField),
    isInfo: log.startsWith("info:"),
    readyz: readyz === "no answer" ? readyz : { status: readyz.startsWith("503") ? 503 : 200, fields: shown },
    alerts: codesOf(alerts),
    commands: codesOf(then).filter((code) => /^(api|curl) /.test(code)),
  };
}

const codesOf = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
const isField = (code: string) => code.startsWith('"');
