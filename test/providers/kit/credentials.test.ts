import { expect, test } from "vitest";
import { choice, credentials, secret, setting, shape } from "../../../src/providers/kit/credentials.ts";

const given = credentials({
  always: { key: secret("Key", "On the first page.") },
  toSend: { apiKey: secret("API key", "On the second page.", shape(/^k-\d+$/, "must be k- and digits")) },
  ifWanted: {
    profile: setting(
      "Profile",
      "Rarely needed.",
      shape((value) => value.length < 5, "must be short"),
    ),
    region: choice("Region", "Where it is kept.", ["us", "eu"]),
  },
});
const fits = (value: unknown) => given.schema.safeParse(value).success;

test("fields say what a form and a document need, in the order of their need", () => {
  expect(given.fields).toEqual([
    { name: "key", label: "Key", help: "On the first page.", need: "always", isSecret: true },
    { name: "apiKey", label: "API key", help: "On the second page.", need: "to send", isSecret: true },
    { name: "profile", label: "Profile", help: "Rarely needed.", need: "if wanted", isSecret: false },
    {
      name: "region",
      label: "Region",
      help: "Where it is kept.",
      need: "if wanted",
      isSecret: false,
      choices: ["us", "eu"],
    },
  ]);
});

test("what fits is taken, without the blanks that come with copying", () => {
  expect(given.schema.parse({ key: " x ", apiKey: "k-1 ", region: "eu" })).toEqual({
    key: "x",
    apiKey: "k-1",
    region: "eu",
  });
  expect(fits({ key: "x" })).toBe(true);
});

test.each([
  [{}],
  [{ key: "" }],
  [{ key: "  " }],
  [{ key: 7 }],
  [{ key: "x", apiKey: "" }],
  [{ key: "x", apiKey: "wrong" }],
  [{ key: "x", profile: "" }],
  [{ key: "x", profile: "too long" }],
  [{ key: "x", region: "mars" }],
  [{ key: "x", surplus: "y" }],
])("what does not fit is refused, and an empty secret never fits: %j", (value) => {
  expect(fits(value)).toBe(false);
});

test.each([
  ["key", "", "must not be empty. Key: On the first page."],
  ["apiKey", "wrong", "must be k- and digits. API key: On the second page."],
  ["region", "mars", 'must be "us" or "eu". Region: Where it is kept.'],
])("a value that does not fit is told what would, and where that is found: %s", (name, value, message) => {
  expect(given.schema.safeParse({ key: "x", [name]: value }).error?.issues).toMatchObject([{ path: [name], message }]);
});

test("what only sending needs may be missing until then: the failure names it", () => {
  expect(given.toSend({ key: "x", apiKey: "k-1" })).toEqual({ key: "x", apiKey: "k-1" });
  expect(() => given.toSend({ key: "x" })).toThrow(
    expect.objectContaining({ reason: "misconfigured", message: expect.stringContaining("no apiKey") }),
  );
});
