import { expect, test } from "vitest";
import { openUserContext } from "../../src/highlevel/user-context.ts";
import { sealUserContext } from "../support/user-context.ts";

const secret = "a-shared-secret-of-enough-letters";
const user = { userId: "u1", companyId: "c1", role: "admin", type: "location", activeLocation: "location-1" };
/** By `openssl enc -aes-256-cbc -md md5`, which CryptoJS does as. */
const byOpenssl =
  "U2FsdGVkX1/7bJKAQ+xtfSIQmEIvoPVhVmp3hMyQh88srT/Rjcr1vvdTDeaT78Vhr35Amo7KBskWmcb6aTS/PuAMWlkjJhAkie4jq6nOrjKI6fy9IdtDfr5y9SgcgGqmdgACW1lLw3MhSZ7/9XC2ESMZZp9KEf7X2d3JIfaxIGnR2XLtAMgD1cM2mRA2qf1hjKs2zrXnvXM1Mh9sMTuvkA==";

test("what OpenSSL has sealed is opened, and what is sealed here is sealed as by it", () => {
  const opened = { userId: "u1", companyId: "c1", locationId: "location-1", isAdmin: true };
  expect(openUserContext(byOpenssl, secret)).toEqual(opened);
  expect(openUserContext(sealUserContext(user, secret), secret)).toEqual(opened);
});

test("an agency's user has no more than the location that is open, and who is no admin reads", () => {
  const agency = { ...user, type: "agency", role: "user", isAgencyOwner: true };
  expect(openUserContext(sealUserContext(agency, secret), secret)).toMatchObject({ isAdmin: false });
  for (const role of [undefined, "owner", 1])
    expect(openUserContext(sealUserContext({ ...user, role }, secret), secret).isAdmin).toBe(false);
});

test("names of keys in texts, in lists and in other objects are no repeated ones", () => {
  const wordy = { ...user, userName: 'a "role": \\', teams: [{ role: "x" }, { role: "y" }, ["role"]] };
  expect(openUserContext(sealUserContext(wordy, secret), secret).isAdmin).toBe(true);
});

const sealed = sealUserContext(user, secret);
const flipped = (index: number) => {
  const bytes = Buffer.from(sealed, "base64");
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return bytes.toString("base64");
};

test.each<[string, string]>([
  ["nothing", ""],
  ["no base64", "{}"],
  ["its head alone", sealed.slice(0, 12)],
  ["another secret's", sealUserContext(user, `${secret}x`)],
  ["one that was cut", sealed.slice(0, -24)],
  ["another salt", flipped(9)],
  ["a letter of it changed", flipped(20)],
  ["its end changed", flipped(Buffer.from(sealed, "base64").length - 1)],
  ["no location", sealUserContext({ ...user, activeLocation: "" }, secret)],
  ["a location that is a path", sealUserContext({ ...user, activeLocation: "../x" }, secret)],
  ["nobody", sealUserContext({ ...user, userId: undefined }, secret)],
  ["a list", sealUserContext([user], secret)],
  ["a garbled agency", sealUserContext({ ...user, companyId: "c\u0001 1" }, secret)],
  ["two roles", sealUserContext(JSON.stringify(user).replace("}", ',"role":"user"}'), secret)],
  ["too much", sealUserContext({ ...user, email: "x".repeat(8000) }, secret)],
])("%s is refused, with the same words", (_what, context) => {
  expect(() => openUserContext(context, secret)).toThrow(/^it is no user context/);
});
