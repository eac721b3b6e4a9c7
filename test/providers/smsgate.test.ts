import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { declaredProvider } from "../../src/providers/declared/declared-provider.ts";
import { readDraft } from "../../src/providers/declared/document/read-document.ts";
import { smsGate } from "../../src/providers/sms/smsgate.ts";
import { signer } from "../fixtures/smsgate/sign.ts";
import { providerOf } from "../support/providers.ts";

const at = new Date("2026-11-21T10:00:00.000Z");
const url = "https://bridge.example.com/webhooks/5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const credentials = signer.credentials as { signingKey: string };

/** The plain text with another payload. */
function withPayload(change: Record<string, unknown>) {
  const found = providerOf("smsgate").fixtures.find(({ name }) => name === "text");
  if (!found) throw new Error("there is no text.json");
  const body = found.fixture.request.body as { payload: Record<string, unknown> };
  const payload = { ...body.payload, ...change };
  return signer.sign({ ...found.fixture.request, body: { ...body, payload } }, { url, at });
}

/** Files inside of a webhook, and words of our own, are beyond it. */
const unsayable = /^(mms|data-sms|receipt-cancelled)/;
const sayable = providerOf("smsgate").fixtures.filter(({ name }) => !unsayable.test(name));

test.each(sayable)("means the same, said in a document: $name", async ({ fixture: { request, means } }) => {
  const file = join(import.meta.dirname, "../../docs/declared/x-smsgate.json");
  const said = declaredProvider(readDraft(JSON.parse(readFileSync(file, "utf8"))));
  const signed = signer.sign(request, { url, at });
  expect(await said.verify(signed, { ...credentials })).toBe(true);
  expect(JSON.parse(JSON.stringify(await said.parse(signed, "+15005550009")))).toEqual(means);
});

test("a phone that does not know its number has that of the mapping", async () => {
  for (const recipient of [null, "", undefined]) {
    const request = withPayload({ recipient, sender: "(650) 555-1212" });
    const [message] = await smsGate.parse(request, "+15005550009");
    expect(message).toMatchObject({ from: "+16505551212", to: ["+15005550009"] });
    await expect(smsGate.parse(request)).rejects.toThrow("payload.recipient");
  }
});

test("a number of the phone without its country is of the mapping's", async () => {
  const [message] = await smsGate.parse(
    withPayload({ recipient: "0171 2345678", sender: "0172 1234567" }),
    "+4930123456",
  );
  expect(message).toMatchObject({ from: "+491721234567", to: ["+491712345678"] });
});

test("a text from nobody is a clear error", async () => {
  await expect(smsGate.parse(withPayload({ sender: null, phoneNumber: null }))).rejects.toThrow("payload.sender");
});

test("the signature is over the bytes and the time, in this order, by the very header", async () => {
  const { body, headers, ...rest } = withPayload({});
  const time = headers["x-timestamp"] ?? "";
  const mac = (text: string) => createHmac("sha256", credentials.signingKey).update(text).digest("hex");
  const verify = (change: Record<string, string>) =>
    smsGate.verify({ ...rest, body, headers: { ...headers, ...change } }, credentials);
  expect(await verify({ "x-signature": mac(`${body.toString()}${time}`) })).toBe(true);
  expect(await verify({ "x-signature": mac(`${time}${body.toString()}`) })).toBe(false);
  expect(await verify({ "x-signature": mac(body.toString()) })).toBe(false);
  expect(await verify({ "x-timestamp": String(Number(time) + 1) })).toBe(false);
  expect(await verify({ "x-timestamp": `${time}000` })).toBe(false);
});
