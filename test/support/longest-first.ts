import { BaseSequencer, type TestSpecification } from "vitest/node";
import type { Project } from "./projects.ts";

/**
 * These begin before the others of their project, and `system` before the rest: what takes a minute and begins last keeps
 * all waiting, with one processor at work. Of the others the larger files begin first, as vitest has it.
 */
const longest = [
  "chaos/chaos",
  "docs/commands",
  "ops/faults",
  "promises/on-disk/kills",
  "console/console",
  "store/postgres/pooler",
  "inbox/mailboxes",
  "attacks/attacks",
  "tools/try-it",
  "promises/good-citizenship/limits",
  "promises/postfix",
  "tools/new-provider",
  "promises/both-ways",
  "inbox/imports/imports",
  "model/model",
  "promises/on-disk/keys-and-restores",
  "providers/contract",
  "calls/keep-alive",
  "calls/mail/smtp",
  "calls/resolve-name",
];

const order: Project[] = ["system", "postgres", "unit"];

/** For these files, by the project that each belongs to. */
export function longestFirst(files: Record<Project, string[]>): typeof BaseSequencer {
  const placeOf = ({ moduleId }: TestSpecification) => {
    const file = order.flatMap((project) => files[project]).find((each) => moduleId.endsWith(`/${each}`)) ?? "";
    const place = longest.findIndex((name) => file === `test/${name}.test.ts`);
    return order.findIndex((project) => files[project].includes(file)) * 100 + (place === -1 ? 99 : place);
  };
  return class LongestFirst extends BaseSequencer {
    override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
      const places = new Map(specifications.map((each) => [each, placeOf(each)]));
      const place = (each: TestSpecification) => places.get(each) ?? 0;
      return (await super.sort(specifications)).sort((one, other) => place(one) - place(other));
    }
  };
}
