import type { Command } from "commander";
import { z } from "zod";
import { wrongUse } from "../command-error.ts";
import { addLimit, type Options, readTime, sayList } from "../lists.ts";
import { type Column, say, sayFields, sayJson, sayTable, showTime } from "../print.ts";
import type { Session } from "../session.ts";

const key = z.looseObject({
  id: z.number(),
  name: z.string(),
  access: z.string(),
  locationIds: z.array(z.string()).nullable(),
  lastUsedAt: z.string().nullable(),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
});
type Key = z.output<typeof key>;

const stateOf = ({ revokedAt, expiresAt }: Key) => {
  if (revokedAt !== null) return "revoked";
  if (expiresAt !== null && Date.parse(expiresAt) <= Date.now()) return "ended";
  return expiresAt === null ? "" : `ends ${showTime(expiresAt)}`;
};

const columns: Column<Key>[] = [
  { head: "id", show: ({ id }) => id, isWhole: true },
  { head: "name", show: ({ name }) => name },
  { head: "may", show: ({ access }) => access, isWhole: true },
  { head: "locations", show: ({ locationIds }) => locationIds?.join(" ") ?? "all" },
  { head: "last used (UTC)", show: ({ lastUsedAt }) => showTime(lastUsedAt) },
  { head: "", show: stateOf },
];

export function addKeys(program: Command, session: Session): void {
  const keys = program.command("keys").description("integrators' keys; for ADMIN_API_KEY alone");
  addLimit(keys.command("list").description("the revoked ones, too")).action((options: Options) =>
    sayList(session, options, {
      path: "/admin/keys",
      item: key,
      nothing: "There are no keys but ADMIN_API_KEY. bridge keys add --help",
      show: (items) => sayTable(session, columns, items),
    }),
  );
  keys
    .command("add <name>")
    .description("make one; it is shown this once")
    .requiredOption(
      "--access <access>",
      "metadata, read or write; metadata shows all but what people wrote and their addresses",
    )
    .option("--location <id...>", "the locations that it reaches; without it, all")
    .option("--expires <time>", "when it ends, such as 2026-12-31T00:00:00Z")
    .action(async (name: string, options: { access: string; location?: string[]; expires?: string }) => {
      const { access, location: locationIds, expires } = options;
      const expiresAt = expires === undefined ? undefined : readTime(expires);
      const answer = await session
        .bridge()
        .write("POST", "/admin/keys", { body: { name, access, locationIds, expiresAt } });
      if (session.isJson()) return sayJson(session, answer);
      const made = key.extend({ key: z.string() }).parse(answer);
      sayFields(session, { id: made.id, key: made.key });
      say(session, "The key is not shown again.");
    });
  keys
    .command("revoke <id>")
    .description("end it, at once")
    .action(async (id: string) => {
      if (!/^\d+$/.test(id)) throw wrongUse(`${id} is no key's id`, "bridge keys list");
      await session.confirm(`End key ${id} for whoever uses it?`);
      await session.bridge().write("DELETE", `/admin/keys/${id}`);
      if (!session.isJson()) say(session, `Key ${id} opens nothing any more.`);
    });
}
