import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { InvalidRequest } from "../../../src/errors.ts";
import { checkSamples } from "../../../src/providers/declared/check-samples.ts";
import { declaredProvider } from "../../../src/providers/declared/declared-provider.ts";
import type { SavedDocument } from "../../../src/providers/declared/document/document.ts";
import { readDocument } from "../../../src/providers/declared/document/read-document.ts";
import { providerNames } from "../../../src/providers/registry.ts";

const folder = join(import.meta.dirname, "../../../docs/declared");
const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
const given = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8"));

/** The document with something else in one place; undefined takes it away. */
function changed(file: string, path: (string | number)[], value: unknown): unknown {
  const document = given(file);
  const last = path.at(-1) as string;
  let place = document;
  for (const step of path.slice(0, -1)) place = place[step];
  place[last] = value;
  return JSON.parse(JSON.stringify(document));
}

function problemsOf(document: unknown): { path: string; message: string }[] {
  try {
    readDocument(document);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidRequest);
    return (error as InvalidRequest).errors;
  }
}

test.each(files)("the worked example %s does what its samples say, and is named as its file", async (file) => {
  const document = readDocument(given(file));
  expect(await checkSamples(document)).toEqual([]);
  expect(`${document.name}.json`).toBe(file);
});

test("no built-in provider has a name that a declared one could have", () => {
  expect(providerNames.filter((name) => name.startsWith("x-"))).toEqual([]);
});

const event = ["receives", "events", 0];
const wrongs: [what: string, path: (string | number)[], value: unknown, at?: string][] = [
  ["a name that a built-in provider could have", ["name"], "telnyx"],
  ["a proof that proves nothing", ["receives", "proof"], {}],
  ["no proof", ["receives", "proof"], undefined],
  ["two proofs", ["receives", "proof", "url"], { parameter: "token", key: "apiKey" }, "receives.proof"],
  ["a signature that leaves the body out", ["receives", "proof", "ed25519", "over"], "{timestamp}"],
  ["a signature over what there is not", ["receives", "proof", "ed25519", "over"], "{method}{timestamp}{body}"],
  ["a timestamp that is not signed", ["receives", "proof", "ed25519", "over"], "{body}"],
  ["a key that is no credential", ["receives", "proof", "ed25519", "key"], "constructor"],
  ["a key that is needed to send alone", ["receives", "proof", "ed25519", "key"], "apiKey"],
  ["a path with an expression in it", [...event, "text", "id"], "data.payload[?(@.id)]"],
  ["a path of more than 12 steps", [...event, "text", "id"], Array.from({ length: 13 }, () => "a").join(".")],
  ["a batch that is no list", ["receives", "batch"], "data"],
  ["an event that is nothing", [...event, "text"], undefined, "receives.events.0"],
  ["a word that means nothing", ["receives", "events", 3, "receipt", "words", "sent"], "gone"],
  ["a URL without https", ["sends", "url"], "http://api.telnyx.com/v2/messages"],
  ["a host out of a message", ["sends", "url"], "https://{to}.example/messages"],
  ["a host out of a credential that is no URL", ["sends", "url"], "{credentials.apiKey}/messages"],
  ["a host that a credential ends", ["sends", "url"], "https://api.telnyx.com.{credentials.apiKey}/"],
  ["a user in the URL", ["sends", "url"], "https://user:password@api.telnyx.com/"],
  ["a credential that there is not", ["sends", "auth", "bearer"], "toString"],
  ["a credential that may be missing", ["sends", "auth", "bearer"], "messagingProfileId"],
  ["a template of what there is not", ["sends", "fields", "from"], "{sender}"],
  ["a header that the bridge sets", ["sends", "headers"], { host: "10.0.0.1" }, "sends.headers.host"],
  ["a header of two lines", ["sends", "headers"], { "x-a": "a\r\nhost: b" }, "sends.headers.x-a"],
  ["fields without the receiver", ["sends", "fields", "to"], undefined, "sends.fields"],
  ["fields without the files", ["sends", "fields", "media_urls"], undefined, "sends.fields"],
  ["a refusal that means nothing", ["sends", "refusals", "40300"], "sad"],
  ["a field that there is not", ["sends", "script"], "return 1", "sends"],
  ["no samples", ["samples"], undefined],
];
test.each(wrongs)("%s is refused, by its path", (_, path, value, at) => {
  const problems = problemsOf(changed("x-telnyx.json", path, value));
  expect(problems.map((problem) => problem.path)).toContain(at ?? path.join("."));
});

test("a list in a form is refused, by its path", () => {
  const [problem] = problemsOf(changed("x-clicksend.json", ["sends", "encoding"], "form"));
  expect(problem).toMatchObject({ path: "sends.fields.messages", message: expect.stringContaining("must be a text") });
});

test("a document that is too large is refused before it is read", () => {
  expect(() => readDocument({ ...given("x-telnyx.json"), label: "x".repeat(200_001) })).toThrow(/200000 characters/);
});

describe("a document that does something else than its samples say is told the difference:", () => {
  const issuesOf = async (path: (string | number)[], value: unknown) => {
    const issues = await checkSamples(readDocument(changed("x-telnyx.json", path, value)));
    return issues.map((issue) => ({ ...issue, path: issue.path.join(".") }));
  };

  test("in what a webhook means", async () => {
    expect(await issuesOf(["samples", "webhooks", 0, "means", 0, "text"], "Hallo")).toEqual([
      { path: "samples.webhooks.0.means.0.text", message: 'says "Hallo", and the document makes "Hello"' },
    ]);
  });

  test("in a webhook that cannot be read", async () => {
    const [issue] = await issuesOf([...event, "text", "id"], "data.payload.nothing");
    expect(issue).toEqual({
      path: "samples.webhooks.0.request.body",
      message: "cannot be read: data.payload.nothing: is missing",
    });
  });

  test("in the request, the answer, and a refusal", async () => {
    const [request] = await issuesOf(["sends", "fields", "use_profile_webhooks"], true);
    expect(request?.path).toBe("samples.sends.0.request.body.use_profile_webhooks");
    const [answer] = await issuesOf(["sends", "taken", "id"], "data.other");
    expect(answer).toMatchObject({ path: "samples.sends.0.sent" });
    const [refusal] = await issuesOf(["samples", "sends", 1, "refused", "code"], "1");
    expect(refusal?.path).toBe("samples.sends.1.refused.code");
  });

  test("in an event that no sample shows", async () => {
    const samples = given("x-telnyx.json").samples.webhooks.slice(0, 3);
    expect(await issuesOf(["samples", "webhooks"], samples)).toEqual([
      { path: "receives.events.3", message: "is shown by none of samples.webhooks" },
    ]);
  });
});

test("a receipt's callback of a provider that signs nothing carries the secret, as what is pasted does", async () => {
  const { webhookUrl, send } = declaredProvider({
    ...(readDocument(given("x-clicksend.json")) as SavedDocument),
    sends: { ...readDocument(given("x-telnyx.json")).sends, auth: undefined },
  });
  const credentials = { webhookToken: "a token & more of it", username: "me", apiKey: "key" };
  expect(webhookUrl?.("https://bridge.example/webhooks/1", credentials)).toBe(
    "https://bridge.example/webhooks/1?token=a%20token%20%26%20more%20of%20it",
  );
  const bodies: unknown[] = [];
  const message = { reference: "42", from: "+15005550009", to: "+15005550006", text: "Hello", cc: [], bcc: [] };
  const receiptUrl = "https://bridge.example/webhooks/1?message=42";
  await send({ ...message, attachments: [], references: [], receiptUrl }, credentials, async ({ body }) => {
    bodies.push(body);
    return { status: 200, headers: {}, body: { data: { id: "1" } } };
  });
  expect(bodies).toMatchObject([{ webhook_url: `${receiptUrl}&token=a%20token%20%26%20more%20of%20it` }]);
});
