import type { Adapter } from "../src/providers/kit/adapter.ts";
import type { CredentialField } from "../src/providers/kit/credentials.ts";
import { adapterOf, providerNames } from "../src/providers/registry.ts";
import { type Fixture, readFixtures, readRefusals, readSendFixtures } from "../test/support/fixtures.ts";

const generated = "<!-- Written by `npm run docs:providers` out of the provider's facts and fixtures. Edit those. -->";

/** The pages of docs/providers by their file names, made of what the code and its tests know. */
export function composePages(): Record<string, string> {
  const pages = providerNames.flatMap((name): [string, string][] => {
    const adapter = adapterOf(name);
    return adapter ? [[`${name}.md`, composePage(name, adapter)]] : [];
  });
  return { "README.md": composeIndex(), ...Object.fromEntries(pages) };
}

function composeIndex(): string {
  const rows = providerNames.map((name) => {
    const { label = "", channel = "", credentialFields = [], pasteAt = "" } = adapterOf(name) ?? {};
    const list = (...needs: CredentialField["need"][]) =>
      credentialFields
        .filter(({ need }) => needs.includes(need))
        .map(({ name: field }) => `\`${field}\``)
        .join(", ");
    return [
      `[${label}](${name}.md)`,
      `\`${name}\``,
      channel,
      list("always"),
      list("to send"),
      list("if wanted"),
      pasteAt,
    ];
  });
  const head = [
    "",
    "`provider`",
    "channel",
    "`credentials`",
    "to send, too",
    "if wanted",
    "where the `webhookUrl` goes",
  ];
  return page("Providers", [
    "Each page says where a provider's credentials are found, and what is read and sent.",
    table(head, rows),
  ]);
}

function composePage(name: string, adapter: Adapter): string {
  const kind = adapter.channel === "sms" ? "texts" : "emails";
  const fields = adapter.credentialFields.map(({ name: field, label, help, need, isSecret, choices }) => {
    const values = choices ? ` One of ${choices.map((each) => `\`${each}\``).join(", ")}.` : "";
    return [`\`${field}\``, label, need, isSecret ? "yes" : "", help + values];
  });
  const read = sorted(readFixtures(name)).map(({ fixture }) => [fixture.about, meaningOf(fixture)]);
  const sent = sorted(readSendFixtures(name)).map(({ fixture }) => `- ${fixture.about}`);
  const refused = readRefusals(name).flatMap(({ about, error }) => (error ? [[about, `\`${error.code}\``]] : []));
  const headers = adapter.proof.headers.map((header) => `\`${header}\``).join(", ");
  const needs = headers && ` What lacks one of these headers is answered 401 before its body is read: ${headers}.`;
  const meanings = Object.entries(adapter.refusals).map(([code, meaning]) => [`\`${code}\``, meaningWords[meaning]]);
  return page(adapter.label, [
    `Registered as \`${name}\`, for ${kind}.`,
    `## Credentials\n\n${table(["field", "called", "needed", "secret", "where it is found"], fields)}`,
    `## Where the \`webhookUrl\` goes\n\nInto ${adapter.pasteAt}.`,
    `## What is read\n\nIt posts ${adapter.contentTypes.map((type) => `\`${type}\``).join(" or ")}; anything else is answered 415.${adapter.takesGet ? " It may also call by GET, with the same fields in the query." : ""}${needs}\n\n${table(["", "becomes"], read)}`,
    `## What is sent\n\n${sent.join("\n")}${adapter.isIdempotent ? `\n\n${idempotent}` : ""}`,
    `## Refusals\n\nThe agent reads the provider's own words.\n\n${table(["such as", "code"], refused)}`,
    ...(meanings.length > 0
      ? [`Codes that mean more than that one message is refused:\n\n${table(["code", "means"], meanings)}`]
      : []),
    ...(adapter.notes.length > 0 ? [`## Good to know\n\n${adapter.notes.map((note) => `- ${note}`).join("\n")}`] : []),
  ]);
}

/** Folders are not listed in the same order everywhere. */
const sorted = <Named extends { name: string }>(list: Named[]) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1));

const idempotent =
  "A message that is posted again, because an answer was lost, is sent once: the bridge may repeat a send whose outcome is unknown.";

const meaningWords = {
  opted_out: "the person has said STOP",
  misconfigured: "the credentials or a setting are wrong",
  throttled: "too many calls: it is tried again later",
} as const;

/** What a fixture's events are, in a word each. */
function meaningOf({ means }: Fixture): string {
  const events = means as { kind: string; direction?: string; automatic?: string; status?: string }[];
  const words = events.map(({ kind, direction, automatic, status }) => {
    if (kind === "receipt") return `a receipt: ${status}`;
    if (kind === "ignored") return "nothing: it is ignored";
    if (direction === "outbound") return "a message that the business sent";
    return automatic ? `a message by a machine (\`${automatic}\`)` : "a message";
  });
  return [...new Set(words)].join(", ");
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

const page = (title: string, parts: string[]) => `${[`# ${title}`, generated, ...parts].join("\n\n")}\n`;
