import fc from "fast-check";
import { afterAll, describe, expect, inject, test } from "vitest";
import { ParseError } from "../../src/errors.ts";
import { createReading } from "../../src/providers/reading.ts";
import type { Sample } from "../support/fixtures.ts";
import { providers } from "../support/providers.ts";
import { parsers } from "./parsers.ts";
import { expectSwift } from "./slowness.ts";

/** The short form takes some seconds for all; the whole has texts ten times as long, and many more of them. */
const isWhole = inject("fuzzRuns") >= 10_000;
const [numRuns, size] = isWhole ? [100, 200_000] : [4, 20_000];

/** Of what texts are made that somebody writes to keep a parser busy, or to fill the memory. */
const tokens = [
  ..."x 0@<>()[]{}\"\\,;:=&%?.-/_*+#'~|",
  ..."ä\u{1F600}\0\ufeff\t\n",
  ...[
    "\r\n",
    "\r\n\r\n",
    "\n ",
    "=?",
    "?=",
    "=\r\n",
    "=41",
    "=?utf-8?q?a?=",
    "=?utf-8?b?YQ==?=",
    "&#60;",
    "%25",
    "%zz",
  ],
  ...["a@b.c", "<a@b.c>", "a@b.c, ", "\\(", '"a', "((a)", "a=", 'a*0*="b";', "a=b; ", "X: y\r\n", "From: a@b.c\n"],
  ...[
    "> ",
    ">",
    "On Nov 21, 2026 at 10:59 a@b.c wrote:\n",
    "Am 21.11.2026 schrieb a@b.c:\n",
    "-----Original Message-----\n",
  ],
  ...["<div>", "</div>", "<blockquote>", '<blockquote type="cite">', "<!--", "<script>", '<p class="', "<br>", "<td>"],
  ...["--a\r\n", "--a--\r\n", "--a\r\n\r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"],
  ...["Content-Type: message/rfc822\r\n\r\n", 'Content-Disposition: form-data; name="a"\r\n\r\n', "begin 644 a\n", "M"],
  ...[
    '{"a":',
    "[1,",
    "[",
    "1e999,",
    '"a":1,',
    "9999",
    "+1 500 ",
    "ext. 1",
    "via ",
    "not found ",
    "contact ",
    "Re: ",
    "Fwd: ",
  ],
  ...[
    "1970-01-01T00:00:00Z",
    "Thu, 1 Jan 1970 ",
    "2026 ",
    "\x30\x80",
    "\x24\x80",
    "\x01\0\0\0\0\0\0\0\0\0\0",
    "\x1b$B",
  ],
];
const some = (maxLength: number) => fc.array(fc.constantFrom(...tokens), { maxLength }).map((all) => all.join(""));
/** The same few signs over and over, after and before a few others: so is what sends an expression astray. */
const text = fc
  .record({ before: some(3), unit: some(3), after: some(3) })
  .map(({ before, unit, after }) => before + (unit || "x").repeat(Math.ceil(size / (unit || "x").length)) + after);

describe.each(parsers)("$name", ({ parse }) => {
  test(`is done in time, whatever text it is given: ${numRuns} times`, async () => {
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        const about = () => `${JSON.stringify(given.slice(0, 150))} … ${JSON.stringify(given.slice(-50))}`;
        const result = await expectSwift(() => orParseError(() => withinReach(parse(given))), about);
        const kept = JSON.stringify(result)?.length ?? 0;
        expect(kept, about()).toBeLessThan(40 * given.length + 20_000);
      }),
      { numRuns },
    );
  });
});

/** A promise that nothing settles any more would hold whatever waits for it for good. */
async function withinReach<Result>(work: Result | Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("it never comes to an end")), 20_000);
  });
  return Promise.race([work, never]).finally(() => clearTimeout(timer));
}

async function orParseError<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (error) {
    expect(error, error instanceof Error ? error.stack : "").toBeInstanceOf(ParseError);
    const { message } = error as Error;
    expect(message.length).toBeLessThan(1000);
    expect(message).not.toContain("more memory than it may");
    return undefined;
  }
}

const million = isWhole ? 1_000_000 : 200_000;
/** What stands in a body's JSON, in the place of one of its fields. */
const values: Record<string, string> = {
  "an array of a million": `[${"1,".repeat(million)}1]`,
  "an array of a million texts": `["${Array(million).fill("a@b.c").join('","')}"]`,
  "an object of a million fields": `{${Array.from({ length: million }, (_, index) => `"k${index}":1`).join()}}`,
  "an object with one name a million times": `{${'"a":1,'.repeat(million)}"a":1}`,
  "10,000 lists within each other": "[".repeat(10_000) + "]".repeat(10_000),
  "10,000 objects within each other": `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`,
  "a number of a million digits": "9".repeat(million),
  "a number beyond all": "1e999999",
  "a text of a million signs": `"${"x".repeat(million)}"`,
  "a text of a million line breaks": `"${"\\n".repeat(million)}"`,
  "a text of a million brackets": `"${"<".repeat(million)}"`,
  "a text of many addresses": `"${"a@b.c, ".repeat(million / 5)}"`,
};

/** So that the escaped form stays within the limit for texts. */
const maxFormValue = 300_000;

const reading = createReading();
afterAll(() => reading.stop());

/** Whose fields stand in JSON or a form: whole mails are in the tests of their formats. */
const isOfFields = ({ fixture }: (typeof providers)[number]["fixtures"][number]) =>
  typeof fixture.request.body === "object";

describe.each(providers.filter(({ fixtures }) => fixtures.some(isOfFields)))(
  "$name",
  ({ name, adapter, signer, fixtures }) => {
    const [first] = fixtures.filter(isOfFields);
    const sample = first?.fixture.request as Sample;
    const isForm = sample.contentType !== "application/json";
    const fields = placesOf(sample.body);

    test.each(Object.entries(values))("reads %s or says why not, in bounded time and memory", async (_what, value) => {
      const chosen = isWhole ? fields : fields.filter((_, index) => index % Math.ceil(fields.length / 2) === 0);
      for (const at of chosen) {
        const request = { ...signed(), body: isForm ? formWith(at, value) : jsonWith(at, value) };
        const verified = await expectSwift(
          () => adapter.verify(request, signer.credentials),
          () => at.join("."),
          1000,
        );
        expect(verified).toBeTypeOf("boolean");
        const failure = await orParseError(() => reading.parse(name, request).then(() => undefined));
        expect(failure, at.join(".")).toBeUndefined();
      }
    });

    function signed() {
      const url = `https://bridge.example.com/webhooks/1${sample.query ?? ""}`;
      return signer.sign(sample, { url, at: new Date("2026-11-21T10:00:00.000Z") });
    }

    const mark = "the place of the value";
    function jsonWith(at: string[], value: string): Buffer {
      const body = structuredClone(sample.body) as Record<string, unknown>;
      const parent = at.slice(0, -1).reduce((within, key) => within[key] as Record<string, unknown>, body);
      parent[at.at(-1) ?? ""] = mark;
      return Buffer.from(JSON.stringify(body).replace(`"${mark}"`, () => value));
    }

    /** Not signed anew, which the provider's own library takes long for: it is computed all the same. */
    function formWith([field = ""]: string[], value: string): Buffer {
      const body = { ...(sample.body as Record<string, string>), [field]: value.slice(0, maxFormValue) };
      if (/urlencoded/.test(sample.contentType)) return Buffer.from(new URLSearchParams(body).toString());
      return signer.sign({ ...sample, body }, { url: "https://bridge.example.com/webhooks/1", at: new Date() }).body;
    }
  },
);

function placesOf(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[key], ...placesOf(inner).map((place) => [key, ...place])]);
}
