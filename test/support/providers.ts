import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Channel, ReceiptStatus } from "../../src/model.ts";
import { adapterOf, providerNames } from "../../src/providers/registry.ts";
import {
  type Fixture,
  plainNames,
  type RefusalFixture,
  readFixtures,
  readRefusals,
  readSendFixtures,
  type SendFixture,
  type Signer,
  wholeMeaning,
} from "./fixtures.ts";

export type AnyAdapter = NonNullable<ReturnType<typeof adapterOf>>;

/** All that the tests know about one provider: its line in the registry, and its folder of fixtures. */
export interface Provider {
  name: string;
  adapter: AnyAdapter;
  channel: Channel;
  signer: Signer;
  fixtures: { name: string; fixture: Fixture }[];
  sendFixtures: { name: string; fixture: SendFixture }[];
  refusals: RefusalFixture[];
}

/**
 * Every provider of the registry that has what the guarantees need. test/providers/contract.test.ts fails for one that has
 * not, and says what it lacks.
 */
export const providers: Provider[] = (await Promise.all(providerNames.map(readProvider))).filter(
  (provider) => whatLacks(provider).length === 0,
) as Provider[];

export const textProviders = providers.filter(({ channel }) => channel === "sms");
export const mailProviders = providers.filter(({ channel }) => channel === "email");

export function providerOf(name: string): Provider {
  const found = providers.find((provider) => provider.name === name);
  if (!found) throw new Error(`there is no provider ${name}`);
  return found;
}

/** What a mapping needs to receive and to send. */
export function allCredentials({ signer }: Pick<Provider, "signer">): Record<string, unknown> {
  const { credentials, sendCredentials, fetchCredentials } = signer;
  return { ...(credentials as object), ...(sendCredentials as object), ...(fetchCredentials as object | undefined) };
}

type Incomplete = Omit<Provider, "signer"> & { signer: Signer | undefined };

export async function readProvider(name: string): Promise<Incomplete> {
  const registered = adapterOf(name);
  if (!registered) throw new Error(`${name} is not in the registry`);
  const file = join(import.meta.dirname, "../fixtures", name, "sign.ts");
  const { signer } = existsSync(file) ? ((await import(file)) as { signer?: Signer }) : {};
  const fixtures = readFixtures(name);
  const { certificate } = signer ?? {};
  const adapter = certificate ? withCertificate(registered, certificate) : registered;
  return {
    ...{ name, adapter, channel: adapter.channel, signer, fixtures },
    ...{ sendFixtures: readSendFixtures(name), refusals: readRefusals(name) },
  };
}

/** Verifies by the signer's certificate, wherever one is said to be. */
function withCertificate(adapter: AnyAdapter, { pem }: { pem: string }): AnyAdapter {
  return { ...adapter, verify: (request, given) => adapter.verify(request, given, async () => pem) };
}

/** What a provider must have for every guarantee to be tried on it, and has not. */
export function whatLacks(provider: Incomplete): string[] {
  const { name, adapter, channel, signer, fixtures, sendFixtures, refusals } = provider;
  const folder = `test/fixtures/${name}`;
  const events = fixtures.flatMap(({ fixture }) => wholeMeaning(fixture));
  const hasReceipt = (status: ReceiptStatus) =>
    events.some((event) => event.kind === "receipt" && event.status === status);
  const hasMessage = (file: string, emailsBefore: number) =>
    fixtures.some(({ name, fixture }) => name === file && isPlainMessage(fixture, emailsBefore));
  const plain = plainNames[channel];
  const needs: [boolean, string][] = [
    [signer !== undefined, "sign.ts, which exports a signer"],
    [hasMessage(plain, 0), `${plain}.json: words from one person to one address, and no files`],
    [channel === "sms" || hasMessage("reply", 2), "reply.json: the same, with two emails before it in its references"],
    [hasReceipt("delivered"), "a receipt that says delivered"],
    [hasReceipt("failed"), "a receipt that says failed"],
    [events.some(({ kind }) => kind === "ignored"), "an event that is ignored"],
    [sendFixtures.some(({ fixture }) => !fixture.credentials), "in send/: what the signer's sendCredentials send"],
    [
      channel === "sms" || sendFixtures.some(({ fixture }) => isUnsubscribable(fixture)),
      "in send/: an email by which the person unsubscribes with one click",
    ],
    [
      refusals.some((each) => isOfMessage(each, adapter)),
      "in send/refusals.json: a message that is refused, with 400 or 422",
    ],
    [refusals.some((each) => isOfKey(each, adapter)), "in send/refusals.json: a wrong key, with 401"],
  ];
  const missing = needs.flatMap(([isThere, what]) => (isThere ? [] : [what]));
  return [...missing, ...unsourced(provider)].map((what) => `${folder} lacks ${what}`);
}

function isUnsubscribable({ message: { unsubscribeUrl }, request }: SendFixture): boolean {
  return unsubscribeUrl !== undefined && JSON.stringify(request.body).includes(unsubscribeUrl);
}

/** A fixture says how its shape is known. */
function unsourced({ fixtures, sendFixtures, refusals }: Pick<Provider, "fixtures" | "sendFixtures" | "refusals">) {
  const all = [
    ...fixtures.map(({ name, fixture }) => ({ file: `${name}.json`, ...fixture })),
    ...sendFixtures.map(({ name, fixture }) => ({ file: `send/${name}.json`, ...fixture })),
    ...refusals.map((refusal) => ({ file: `send/refusals.json ("${refusal.about}")`, ...refusal })),
  ];
  return all
    .filter(({ source = "" }) => !/^(https:\/\/\S+|docs\/\S+|recorded \d{4}-\d{2}\b.*)$/.test(source))
    .map(({ file }) => `a source in ${file}: a URL, or "recorded 2026-10, ids replaced"`);
}

/** Words from one person to one address, and nothing besides but the emails before it. */
function isPlainMessage(fixture: Fixture, emailsBefore: number): boolean {
  const [event, ...more] = wholeMeaning(fixture);
  if (event?.kind !== "message" || more.length > 0) return false;
  const { to, cc, bcc, attachments, text, automatic, direction, references } = event;
  const isAlone = to.length === 1 && cc.length + bcc.length + attachments.length === 0;
  const isByPerson = automatic === undefined && direction === undefined;
  return isAlone && isByPerson && Boolean(text?.trim()) && references.length === emailsBefore;
}

/** Is it about what was to be sent, and not about who asked, or how often? Within a 200 only its code tells. */
export function isOfMessage({ answer: { status }, error, when }: RefusalFixture, { refusals }: AnyAdapter): boolean {
  if (error === null || when !== undefined) return false;
  return (
    (status === 400 && refusals[error.code] !== "misconfigured") ||
    status === 422 ||
    (status === 200 && !Object.hasOwn(refusals, error.code))
  );
}

/** Is it about who asked? Within a 200, a 400 of AWS and a 500 of Mandrill only its code tells; a 403 of SES has none. */
export function isOfKey({ answer: { status }, error }: RefusalFixture, { refusals }: AnyAdapter): boolean {
  const isMeant = error !== null && refusals[error.code] === "misconfigured";
  return status === 401 || status === 403 || ([200, 400, 500].includes(status) && isMeant);
}
