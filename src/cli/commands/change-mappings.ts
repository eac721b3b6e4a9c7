import type { Command } from "commander";
import { z } from "zod";
import { wrongUse } from "../command-error.ts";
import { plural, say, sayJson } from "../print.ts";
import { readText, readWhole } from "../read-text.ts";
import type { Session } from "../session.ts";

export const mappingPath = (id: string) => `/admin/mappings/${encodeURIComponent(id)}`;

type SayMapping = (session: Session, answer: unknown) => void;

interface FieldOptions {
  location?: string;
  address?: string;
  conversationProvider?: string;
  name?: string;
  set?: string[];
}

const fieldOptions = (command: Command) =>
  command
    .option("--location <id>", "the location that it stands for")
    .option("--address <address>", "the number or mailbox")
    .option("--conversation-provider <id>", "HighLevel's conversation provider; null for the location's default one")
    .option("--name <name>", "what people call it")
    .option(
      "--set <field=value...>",
      "any other field, such as unknownSender=hold, dailyCap=200 or sendDays=mon,tue; null takes it away",
    );

/** How mappings are made, changed and removed. Credentials come by a file or stdin: an argument is seen by all who list processes. */
export function addMappingChanges(mappings: Command, session: Session, sayMapping: SayMapping): void {
  fieldOptions(mappings.command("add").description("register a number or mailbox"))
    .option("--account <id>", "of this account; or with one of its own:")
    .option("--provider <name>", "its provider")
    .option("--credentials <file>", "its credentials as JSON; - for stdin")
    .action(async (options: FieldOptions & { account?: string; provider?: string; credentials?: string }) => {
      const { account, provider, credentials } = options;
      const body = {
        ...readFields(options),
        ...{ accountId: account, provider },
        ...(credentials === undefined ? {} : { credentials: await readJson(session, credentials) }),
      };
      sayMapping(session, await session.bridge().write("POST", "/admin/mappings", { body }));
    });
  fieldOptions(mappings.command("edit <id>").description("change what is named")).action(
    async (id: string, options: FieldOptions) => {
      const body = readFields(options);
      if (Object.keys(body).length === 0) throw wrongUse("nothing to change was named", "bridge mappings edit --help");
      sayMapping(session, await session.bridge().write("PATCH", mappingPath(id), { body }));
    },
  );
  mappings
    .command("rotate <id>")
    .description(
      "give its account other credentials: a list of two, the new and the old, takes both; then the new alone",
    )
    .requiredOption("--credentials <file>", "as JSON; - for stdin")
    .action(async (id: string, { credentials }: { credentials: string }) => {
      const body = { credentials: await readJson(session, credentials) };
      sayMapping(session, await session.bridge().write("PATCH", mappingPath(id), { body }));
    });
  const pauses = {
    pause: "keep what comes, and deliver nothing of it, either way",
    resume: "deliver what was kept, in order",
  };
  for (const [name, description] of Object.entries(pauses))
    mappings
      .command(`${name} <id>`)
      .description(description)
      .action(async (id: string) =>
        sayMapping(session, await session.bridge().write("POST", `${mappingPath(id)}/${name}`)),
      );
  mappings
    .command("remove <id>")
    .description("what was acknowledged is still delivered")
    .action(async (id: string) => {
      const { provider, address, locationId } = removed.parse(await session.bridge().get(mappingPath(id)));
      await session.confirm(`Remove ${address} of ${provider} from ${locationId}?`);
      await session.bridge().write("DELETE", mappingPath(id));
      if (!session.isJson())
        say(session, `${address} is removed. For a week what comes is kept, and shown by bridge problems.`);
    });
  mappings
    .command("import <file>")
    .description("make and change many by CSV, with the fields' names in its first line; a dry run goes before")
    .requiredOption("--account <id>", "of this account")
    .action((file: string, { account }: { account: string }) => importMappings(session, file, account));
}

const removed = z.looseObject({ provider: z.string(), address: z.string(), locationId: z.string() });
const imported = z.looseObject({ rows: z.number(), created: z.number(), updated: z.number(), replayed: z.number() });

async function importMappings(session: Session, file: string, accountId: string): Promise<void> {
  const body = await readWhole(session, file);
  const run = (dryRun: boolean) =>
    session.bridge().write("POST", "/admin/mappings/import", { query: { accountId, dryRun }, body });
  const { rows, created, updated } = imported.parse(await run(true));
  await session.confirm(`${plural(rows, "row")}: make ${created}, change ${updated}?`);
  const answer = await run(false);
  if (session.isJson()) return sayJson(session, answer);
  const done = imported.parse(answer);
  const replayed =
    done.replayed === 0 ? "" : `; ${plural(done.replayed, "webhook")} that waited for them are read again`;
  say(session, `Made ${done.created}, changed ${done.updated}${replayed}.`);
}

function readFields({
  location,
  address,
  conversationProvider,
  name,
  set = [],
}: FieldOptions): Record<string, unknown> {
  const named = { locationId: location, address, conversationProviderId: conversationProvider, name };
  const others = set.map((text) => {
    const [, field, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
    if (field === undefined || value === undefined) throw wrongUse(`--set ${text}: must be field=value`);
    return [field, value];
  });
  const given = [...Object.entries(named), ...others].filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([field, value]) => [
      field,
      words.has(value) ? words.get(value) : (readers[field]?.(`${value}`) ?? value),
    ]),
  );
}

const listOf = (value: string) => value.split(/[\s,;]+/).filter(Boolean);
/** What is no number is for the bridge to refuse: as JSON it would be null, and take away what is there. */
const numberOf = (value: string) => (/^\d+$/.test(value) ? Number(value) : value);
/** Of the fields that are no text. */
const readers: Record<string, (value: string) => unknown> = {
  ...{ answerHours: numberOf, dailyCap: numberOf, sendDays: listOf, userIds: listOf },
};

const words = new Map<unknown, boolean | null>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

async function readJson(session: Session, file: string): Promise<unknown> {
  const text = await readText(session, file);
  try {
    return JSON.parse(text);
  } catch {
    // Its message would quote what stands there: secrets.
    throw wrongUse(`${file === "-" ? "stdin" : file} holds no JSON`);
  }
}
