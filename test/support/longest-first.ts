import { BaseSequencer, type TestSpecification } from "vitest/node";

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

const projects = ["system", "postgres", "providers", "unit"];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId, project }: TestSpecification) => {
      const place = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return projects.indexOf(project.name) * 100 + (place === -1 ? 99 : place);
    };
    return (await super.sort(files)).sort((one, other) => placeOf(one) - placeOf(other));
  }
}
