import type { Adapter } from "../src/providers/kit/adapter.ts";
import type { CredentialField } from "../src/providers/kit/credentials.ts";
import { adapterOf, providerNames } from "../src/providers/registry.ts";
import { type Fixture, readFixtures, readRefusals, readSendFixtures } from "../test/support/fixtures.ts";
import { providerOf } from "../test/support/providers.ts";

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
  const refused401 = adapter.refusedWith ?? 401;
  const needs =
    headers && ` What lacks one of these headers is answered ${refused401} before its body is read: ${headers}.`;
  const again = adapter.refusedWith
    ? ` Whatever is refused, be it forged or too large, is answered ${adapter.refusedWith}, so that no mail is lost by it; [\`refused\`](../operate.md#it-is-2-am-and-messages-do-not-arrive) says why.`
    : "";
  const meanings = Object.entries(adapter.refusals).map(([code, meaning]) => [`\`${code}\``, meaningWords[meaning]]);
  return page(adapter.label, [
    `Registered as \`${name}\`, for ${kind}.`,
    `## Credentials\n\n${table(["field", "called", "needed", "secret", "where it is found"], fields)}`,
    `## Connect\n\n${connect(name, adapter)}`,
    `## Where the \`webhookUrl\` goes\n\nInto ${adapter.pasteAt}.`,
    `## What is read\n\nIt posts ${adapter.contentTypes.map((type) => `\`${type}\``).join(" or ")}; anything else is answered ${adapter.refusedWith ?? 415}.${adapter.takesGet ? " It may also call by GET, with the same fields in the query." : ""}${needs}${again}\n\n${table(["", "becomes"], read)}`,
    `## What is sent\n\n${sent.join("\n")}${adapter.isIdempotent ? `\n\n${idempotent}` : ""}`,
    `## Refusals\n\nThe agent reads the provider's own words.\n\n${table(["such as", "code"], refused)}`,
    ...(meanings.length > 0
      ? [`Codes that mean more than that one message is refused:\n\n${table(["code", "means"], meanings)}`]
      : []),
    ...(adapter.notes.length > 0 ? [`## Good to know\n\n${adapter.notes.map((note) => `- ${note}`).join("\n")}`] : []),
  ]);
}

/** From the credentials to the first message, for somebody who has read no other page. */
function connect(name: string, { label, channel, credentialFields, check }: Adapter): string {
  // Of what is one way among several, that one.
  const given = Object.keys(providerOf(name).signer.sendCredentials as object);
  const needed = credentialFields.filter((field) => field.need !== "if wanted" || given.includes(field.name));
  const body = {
    locationId: "ve9EPM428h8vShlRW1KT",
    provider: name,
    address: channel === "sms" ? "+15005550009" : "support@example.com",
    conversationProviderId: "61d6d1f9cdac7612faf80753",
    credentials: Object.fromEntries(needed.map(({ name: field, choices }) => [field, choices?.[0] ?? "…"])),
  };
  const asked = check ? `${label} and HighLevel` : "HighLevel";
  const [thing, wrote] = channel === "sms" ? ["number", "text"] : ["mailbox", "email"];
  const steps = [
    `Connect [the location](../connect.md#a-location) to the bridge, if it is not yet.`,
    `Send this to \`POST /admin/mappings\` of the bridge, with the admin key as a bearer token, as [Connect](../connect.md#a-number-or-a-mailbox) has it as a command. \`address\` is the ${thing}. Several of one account share one \`webhookUrl\`: [first make the account](../connect.md#many-numbers-behind-one-url).\n\n${indented(`\`\`\`json\n${JSON.stringify(body, undefined, 2)}\n\`\`\``)}`,
    `The answer has two URLs. Paste \`webhookUrl\` where the next section says, and \`deliveryUrl\` into the conversation provider in HighLevel's app. What is wrong with the credentials already stands in \`checks\`.`,
    `\`POST /admin/mappings/{id}/check\` asks ${asked} whether all is set, and says of each thing that is wrong [what to do](../api.md#checks). Then send a ${wrote} to the ${thing}: it shows in HighLevel, and an answer goes out from there.`,
    `Nothing shows? \`GET /admin/mappings/{id}\` has in \`refused\` what came and was turned away, and [why](../operate.md#it-is-2-am-and-messages-do-not-arrive); \`GET /admin/webhooks?state=failed\` has what could not be read. Where both are empty, ${label} has not called the URL.`,
  ];
  return steps.map((step, index) => `${index + 1}. ${step}`).join("\n");
}

const indented = (lines: string) => lines.replaceAll(/^(?=.)/gm, "   ");

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
