import { describe, expect, inject, test, vi } from "vitest";
import { isAllowedHost } from "../../src/calls/fetch-file.ts";
import { ParseError } from "../../src/errors.ts";
import type { ProviderEvent, WebhookRequest } from "../../src/model.ts";
import type { CompletionFixture, EventInJson, Fixture, Sample, Signer } from "./fixtures.ts";
import { bytesOf, withFetched } from "./kept-mails.ts";
import type { AnyAdapter, Provider } from "./providers.ts";
import { describeSends } from "./send-contract.ts";

const url = "https://bridge.example.com/webhooks/5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const at = new Date("2026-11-21T10:00:00.000Z");
const urlOf = (sample: Sample) => `${url}${sample.query ?? ""}`;
const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** The contract that every adapter fulfils, tried on every fixture of the provider. */
export function describeAdapter({ name: provider, adapter, signer, fixtures, ...sends }: Provider): void {
  describe(`${provider} credentials`, () => {
    test("that fit are taken", () => {
      expect(adapter.credentials.safeParse(signer.credentials).success).toBe(true);
      expect(adapter.credentials.safeParse(signer.foreignCredentials).success).toBe(true);
    });

    test("are refused when a secret is empty or missing, or something unknown is given", () => {
      for (const name of Object.keys(signer.credentials as object)) {
        const { [name]: _left, ...without } = signer.credentials as Record<string, unknown>;
        for (const wrong of [without, { ...without, [name]: "" }, { ...without, [name]: 7 }]) {
          expect(adapter.credentials.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
        }
      }
      expect(adapter.credentials.safeParse({ ...(signer.credentials as object), surplus: "x" }).success).toBe(false);
      for (const wrong of [undefined, null, "", [], {}])
        expect(adapter.credentials.safeParse(wrong).success).toBe(false);
    });
  });

  describeSends({ name: provider, adapter, signer, ...sends }, at);

  describe.each(fixtures.map((each, turn) => ({ ...each, turn })))(`${provider} $name`, ({ fixture, turn }) => {
    const signed = () => signer.sign(fixture.request, { url: urlOf(fixture.request), at });
    const unsignedUrl = () => withoutSecrets(adapter, signed().url);
    const verify = (request: WebhookRequest, credentials = signer.credentials) => adapter.verify(request, credentials);

    test(`means what it says: ${fixture.about}`, async () => {
      const request = signed();
      expect(toJson(await adapter.parse(request))).toEqual(fixture.means);
      expect(toJson(await adapter.parse(request)), "and the same again").toEqual(fixture.means);
      expect(request, "and leaves the request as it came").toEqual(signed());
    });

    const { completion } = fixture;
    if (completion)
      test("is completed by these requests, and means then what it says", async () => {
        vi.useFakeTimers({ toFake: ["Date"], now: at });
        const { requests, fetched } = follow(adapter, signer, fixture.means, completion);
        vi.useRealTimers();
        expect(requests).toEqual(completion.exchanges.map(({ request }) => request));
        const whole = withFetched(signed(), fetched);
        expect(toJson(await adapter.parse(whole))).toEqual(completion.means);
        for (const junk of ["", "\0", "{}", "[]", '{"from":7}', "x"])
          await expectClearParse(adapter, withFetched(signed(), Buffer.from(junk)));
      });

    test("is accepted when signed, and of a content type that the adapter names", async () => {
      expect(await verify(signed())).toBe(true);
      expect(adapter.contentTypes).toContain(fixture.request.contentType);
    });

    test("is refused when signed by somebody else, or not at all", async () => {
      expect(await verify(signed(), signer.foreignCredentials)).toBe(false);
      const { "content-type": contentType = "" } = signed().headers;
      const headers = { "content-type": contentType };
      expect(await verify({ url: unsignedUrl(), headers, body: unsignedBody(fixture), receivedAt: at })).toBe(false);
    });

    const isReceipt = fixture.means.some((event) => event.kind === "receipt" && event.reference !== undefined);
    if (isReceipt && adapter.isReferenceSigned)
      test("is refused under another reference", async () => {
        const { url: signedUrl, body, ...rest } = signed();
        const changed = {
          ...{ ...rest, url: signedUrl.replace("message=42", "message=43") },
          body: Buffer.from(
            body.toString().replace(/(ref\w*\\?"?[:=]\[?\\?"?)42\b/, (_, before: string) => `${before}43`),
          ),
        };
        expect(changed.url !== signedUrl || !changed.body.equals(body), "it has the reference 42").toBe(true);
        expect(await verify(changed)).toBe(false);
      });

    test("is refused without any one of the headers that its proof names", async () => {
      for (const name of adapter.proof.headers) {
        const { [name]: value, ...headers } = signed().headers;
        expect(value, name).toBeTruthy();
        expect(await verify({ ...signed(), headers }), name).toBe(false);
      }
    });

    if (signer.signsBody)
      test("is refused when any byte was changed", async () => {
        const { body } = signed();
        for (const position of [0, Math.floor(body.length / 2), body.length - 1]) {
          const changed = Buffer.from(body);
          changed[position] = (changed[position] ?? 0) ^ 1;
          expect(await verify({ ...signed(), body: changed })).toBe(false);
        }
      });

    if (adapter.channel === "email")
      test("is read as far as it is kept, and judged by all of it, wherever it was cut", async () => {
        const whole = signed();
        const headers = { ...whole.headers, "content-length": String(whole.body.length) };
        for (let part = 1; part < 10; part++) {
          const at = Math.floor((whole.body.length * part) / 10);
          const [body, rest] = [whole.body.subarray(0, at), Buffer.from(whole.body.subarray(at))];
          const messages = (await parseIfClear(adapter, { ...whole, headers, body })).filter(isMessage);
          expect(messages.at(-1)?.text ?? cutNotice).toContain(cutNotice);
          const judge = (following: Buffer) => {
            const running = adapter.beginVerifying?.({ ...whole, headers, body }, signer.credentials);
            running?.update(following);
            return running?.isValid();
          };
          expect([true, undefined]).toContain(judge(rest));
          rest[rest.length - 1] = (rest.at(-1) ?? 0) ^ 1;
          expect([false, undefined]).toContain(judge(rest));
        }
      });

    if (signer.signsTime)
      test("is refused when it is too old, or from the future", async () => {
        const { maxAgeSeconds = 300 } = signer;
        const later = (seconds: number) => new Date(at.getTime() + seconds * 1000);
        for (const seconds of [maxAgeSeconds - 1, -299])
          expect(await verify({ ...signed(), receivedAt: later(seconds) })).toBe(true);
        for (const seconds of [maxAgeSeconds + 1, -301])
          expect(await verify({ ...signed(), receivedAt: later(seconds) })).toBe(false);
      });

    test("is a message or a clear ParseError, whatever stands in its fields", async () => {
      for (const sample of spoiledSamples(fixture.request, turn))
        await expectClearParse(adapter, signer.sign(sample, { url: urlOf(sample), at }));
    });
  });

  const genuineRequest = (): WebhookRequest => {
    const [first] = fixtures;
    if (!first) throw new Error(`there are no fixtures of ${provider}`);
    return signer.sign(first.fixture.request, { url: urlOf(first.fixture.request), at });
  };

  // Anybody's choice: also an absolute URL, which then follows our public one.
  test.each(["", "https://bridge.example.com:8443http://elsewhere.example/webhooks/1", `${url}?%ff&=&[`])(
    `${provider} verifies, or not, whatever stands in the request line: %j`,
    async (odd) => {
      const genuine = genuineRequest();
      for (const contentType of adapter.contentTypes) {
        const headers = { ...genuine.headers, "content-type": contentType };
        expect(await adapter.verify({ ...genuine, headers, url: odd }, signer.credentials)).toBeTypeOf("boolean");
      }
    },
  );

  test(`${provider} junk is a clear ParseError, and verifies for nobody`, async () => {
    const genuine = genuineRequest();
    const unsigned = withoutSecrets(adapter, genuine.url);
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    const junk = [
      "",
      "null",
      "[]",
      "{}",
      "7",
      '"x"',
      "\0\u{1f4a9}",
      deep,
      "a=1&a=2",
      genuine.body.toString("latin1").slice(0, 40),
      genuine.body.toString("latin1").slice(0, genuine.body.length / 2),
    ];
    for (const text of junk) {
      for (const contentType of [genuine.headers["content-type"] ?? "", ...adapter.contentTypes]) {
        const request = { ...genuine, headers: { "content-type": contentType }, body: Buffer.from(text, "latin1") };
        await expectClearParse(adapter, request);
        expect(await adapter.verify({ ...request, url: unsigned }, signer.credentials)).toBe(false);
      }
    }
    const names = Object.keys(genuine.headers).filter((name) => name !== "content-type");
    for (const value of [
      "",
      " ",
      "x",
      "v1,",
      "\u00ff".repeat(300),
      "=".repeat(64),
      "99999999999999999999",
      "-1",
      "NaN",
    ]) {
      const headers = { ...genuine.headers, ...Object.fromEntries(names.map((name) => [name, value])) };
      if (names.length > 0) expect(await adapter.verify({ ...genuine, headers }, signer.credentials)).toBe(false);
    }
  });
}

/** What is asked for the mail that a webhook names, and what comes of it. */
function follow(adapter: AnyAdapter, signer: Signer, [event]: EventInJson[], { exchanges }: CompletionFixture) {
  const { completion } = adapter;
  const fetchBy = event?.kind === "message" ? event.fetchBy : undefined;
  if (!completion || fetchBy === undefined) return expect.unreachable("it says nothing to be fetched");
  const answer = exchanges[0]?.answer.body;
  const requests: CompletionFixture["exchanges"][number]["request"][] = [
    completion.request(fetchBy, adapter.credentials.parse(signer.fetchCredentials ?? signer.sendCredentials)),
  ];
  const url = completion.located?.at(answer);
  if (url !== undefined) {
    expect(isAllowedHost(new URL(url).host, completion.located?.hosts ?? [])).toBe(true);
    requests.push({ url });
  }
  return { requests, fetched: bytesOf(exchanges.at(-1)?.answer.body) };
}

/** The URL without the parameters that open something. */
function withoutSecrets({ proof }: AnyAdapter, signedUrl: string): string {
  const parsed = new URL(signedUrl);
  const named = proof.secrets.filter((name) => parsed.searchParams.has(name));
  for (const name of named) parsed.searchParams.delete(name);
  return named.length > 0 ? parsed.href : signedUrl;
}

function unsignedBody({ request }: Fixture): Buffer {
  return typeof request.body === "string" ? Buffer.from(request.body) : Buffer.from(JSON.stringify(request.body));
}

/** What the message of a webhook says that was cut. */
const cutNotice = "This email is too large to be shown whole";
const isMessage = (event: ProviderEvent) => event.kind === "message";

/** Nothing of what cannot be read; any other error than a ParseError is thrown. */
async function parseIfClear(adapter: AnyAdapter, request: WebhookRequest): Promise<ProviderEvent[]> {
  try {
    return await adapter.parse(request);
  } catch (error) {
    expect(error).toBeInstanceOf(ParseError);
    return [];
  }
}

async function expectClearParse(adapter: AnyAdapter, request: WebhookRequest): Promise<void> {
  try {
    const events = await adapter.parse(request);
    // Asking takes a hundredth of what expecting does, which is much in a hundred thousand.
    if (JSON.stringify(events).includes("\\u0000")) expect(events).not.toContain("\0");
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const { length } = error.message;
    // It is kept with the webhook.
    if (length <= 3 || length >= 1000)
      expect.unreachable(`it has ${length} characters: ${error.message.slice(0, 100)}`);
  }
}

/**
 * The sample with each of its fields, at any depth, missing or replaced by what does not belong there: by a third of that,
 * for the next fixture by another third. `npm run fuzz` tries all of it on each.
 */
function* spoiledSamples(sample: Sample, turn: number): Generator<Sample> {
  if (typeof sample.body === "string") return;
  const isForm = sample.contentType !== "application/json";
  const wrongs: unknown[] = isForm
    ? ["", "\0", "x".repeat(10_000), "\u{d800}"]
    : [undefined, null, "", 7, true, [], {}, [null], { a: 1 }, "\0", "x".repeat(10_000)];
  const isWhole = inject("fuzzRuns") >= 10_000;
  for (const [index, path] of pathsOf(sample.body).entries()) {
    for (const [nth, wrong] of wrongs.entries()) {
      if (!isWhole && (turn + index + nth) % 3 > 0) continue;
      yield { ...sample, body: replaceAt(sample.body, path, wrong) as Record<string, unknown> };
    }
  }
}

function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, [...path, name]));
  return path.length === 0 ? below : [path, ...below];
}

function replaceAt(value: unknown, [name, ...rest]: string[], replacement: unknown): unknown {
  if (name === undefined) return replacement;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  const fields = copy as Record<string, unknown>;
  fields[name] = replaceAt(fields[name], rest, replacement);
  return copy;
}
