import { randomBytes, randomInt } from "node:crypto";
import { realpathSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Fixture, Sample } from "../test/support/fixtures.ts";
import { type Provider, providers } from "../test/support/providers.ts";
import { sampleOf } from "./samples.ts";

const usage = `npm run send-sample -- <provider> --to <webhookUrl> [options]
  --to <webhookUrl>    where the provider would post: as the bridge gave it when the mapping was registered
  --fixture <name>     which webhook: a text or an email by default
  --same               with the ids as they are in the fixture: sent again, it is a duplicate
  --list               what can be sent; with a provider, its webhooks`;

const options = {
  to: { type: "string" },
  fixture: { type: "string" },
  same: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/**
 * Posts a webhook of a provider to a running bridge, signed as the provider does with the credentials of its fixtures,
 * which are test data. Throws an error that says what is wrong when the bridge does not take it.
 */
export async function sendSample(args: string[], say: (line: string) => void): Promise<void> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [name] = positionals;
  if (values.help || (name === undefined && !values.list)) return say(usage);
  const names = providers.map((each) => each.name);
  if (name === undefined) return say(names.join("\n"));
  const provider = providers.find((each) => each.name === name);
  if (!provider) throw new Error(`${name} is none of ${names.join(", ")}`);
  const { fixtures } = provider;
  if (values.list) return say(fixtures.map((each) => `${each.name.padEnd(32)} ${each.fixture.about}`).join("\n"));
  if (values.to === undefined) throw new Error(`--to is missing\n${usage}`);
  const fixture = sampleOf(provider, values.fixture);
  say(`${name}: ${fixture.about}`);
  const { url, status } = await post(provider, values.same ? fixture.request : withNewIds(fixture), values.to);
  say(`POST ${url} → ${status}`);
}

/** Gives what was posted to, and the bridge's answer to it. */
async function post({ signer }: Provider, sample: Sample, to: string) {
  const signed = signer.sign(sample, { url: `${withoutCredentials(to)}${sample.query ?? ""}`, at: new Date() });
  const { url, headers, body } = signed;
  const answer = await fetch(url, { method: "POST", headers, body: new Uint8Array(body) }).catch((error: Error) => {
    throw new Error(`no bridge answers at ${new URL(url).origin} (${String(error.cause ?? error.message)})`);
  });
  if (answer.ok) return { url, status: answer.status };
  const hint = hints[answer.status] ?? "";
  throw new Error(`POST ${url} → ${answer.status}\n${(await answer.text()).slice(0, 500)}\n${hint}`.trimEnd());
}

const hints: Record<number, string> = {
  401: "The mapping must have the test credentials, which `npm run stand-ins` prints, and --to must be its webhookUrl, letter by letter.",
  404: "There is no such mapping: --to must be the webhookUrl that the bridge gave.",
};

/** Some URLs hold what the signer puts into a header; fetch takes none that does. */
function withoutCredentials(to: string): string {
  const url = new URL(to);
  url.username = "";
  url.password = "";
  return url.href;
}

/** As if it were another message, so that it is no duplicate of the last one. */
function withNewIds({ request, means }: Fixture): Sample {
  let body = JSON.stringify(request.body);
  for (const event of means) {
    const id = "providerMessageId" in event ? event.providerMessageId : undefined;
    if (id !== undefined) body = body.replaceAll(standingAlone(id), JSON.stringify(newId(id)).slice(1, -1));
  }
  return { ...request, body: JSON.parse(body) as Sample["body"] };
}

const standingAlone = (id: string) =>
  new RegExp(`(?<![\\w-])${id.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\w-])`, "g");

/** Of the same shape: other digits, and some more where there are few. */
function newId(id: string): string {
  if (id.replace(/\D/g, "").length >= 8) return id.replace(/\d/g, () => String(randomInt(10)));
  return id.replace(/(?=@|$)/, `-${randomBytes(4).toString("hex")}`);
}

// By whatever links it is called.
if (realpathSync(process.argv[1] ?? ".") === import.meta.filename) {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  sendSample(process.argv.slice(2), say).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
