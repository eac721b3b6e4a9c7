import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plivo } from "../../src/providers/sms/plivo.ts";
import { accepted } from "../fixtures/plivo/sdk/accepted.ts";
import { signer, signGet } from "../fixtures/plivo/sign.ts";
import { readFixtures } from "../support/fixtures.ts";

const at = new Date("2026-11-21T10:00:00.000Z");
const url = "https://bridge.example.com/webhooks/1";
const credentials = signer.credentials as { authId: string; authToken: string };
const form = { "content-type": "application/x-www-form-urlencoded" };

test("accepts a signature that Plivo's own SDK accepts, and none of its second version", async () => {
  const fields = { From: "15005550006", MessageUUID: "u-1", Text: "hi é", To: "15005550009", Type: "sms" };
  const vector = "https://bridge.example/hooks/plivo";
  const text = `${vector}?line=1.From15005550006MessageUUIDu-1Texthi éTo15005550009Typesms.0542`;
  const of = (signature: Record<string, string>, change = {}) => ({
    url: `${vector}?line=1`,
    headers: { ...form, ...signature },
    body: Buffer.from(new URLSearchParams({ ...fields, ...change }).toString()),
    receivedAt: at,
  });
  const given = { ...credentials, authToken: "tok" };
  const mac = "JPdwaPyYYil13urSMYS4ggK5xDMrEuST3K2hCsiBtDM=";
  expect(createHmac("sha256", "tok").update(text).digest("base64")).toBe(mac);
  const nonce = { "x-plivo-signature-v3-nonce": "0542" };
  for (const name of ["x-plivo-signature-v3", "x-plivo-signature-ma-v3"]) {
    expect(await plivo.verify(of({ ...nonce, [name]: mac }), given)).toBe(true);
    expect(await plivo.verify(of({ ...nonce, [name]: `AAAA,${mac}` }), given)).toBe(true);
    expect(await plivo.verify(of({ ...nonce, [name]: mac }, { Text: "ho" }), given)).toBe(false);
    expect(await plivo.verify(of({ "x-plivo-signature-v3-nonce": "1", [name]: mac }), given)).toBe(false);
  }
  const second = createHmac("sha256", "tok").update(`${vector}0542`).digest("base64");
  const headers = { "x-plivo-signature-v2": second, "x-plivo-signature-v2-nonce": "0542" };
  expect(await plivo.verify(of(headers), given)).toBe(false);
});

test("every fixture is signed as Plivo's own SDK accepts it, by POST and by GET", () => {
  const known = join(import.meta.dirname, "../fixtures/plivo/sdk/accepted.json");
  const why = "changed since the SDK was asked: see test/fixtures/plivo/sdk/judge.ts";
  expect(
    accepted(() => true),
    why,
  ).toEqual(JSON.parse(readFileSync(known, "utf8")));
});

test.each(readFixtures("plivo"))("means the same by GET: $name", async ({ fixture }) => {
  const request = signGet(fixture.request, { url: `${url}${fixture.request.query ?? ""}`, at });
  expect(await plivo.verify(request, credentials)).toBe(true);
  expect(JSON.parse(JSON.stringify(await plivo.parse(request)))).toEqual(fixture.means);
  expect(await plivo.verify({ ...request, url: `${request.url}0` }, credentials)).toBe(false);
  expect(await plivo.verify({ ...request, body: Buffer.from("From=15005550001") }, credentials)).toBe(false);
});

test("a signature holds for no other cut of the same letters", async () => {
  const genuine = readFixtures("plivo").find(({ name }) => name === "text")?.fixture.request.body as object;
  const written = { ...genuine, Text: "hiTo15005550001ToTz" };
  const { body, ...rest } = signer.sign({ contentType: form["content-type"], body: written }, { url, at });
  expect(await plivo.verify({ ...rest, body }, credentials)).toBe(true);
  const id = "5b40a428-bfc7-4daf-9d06-726c558bf3b8";
  const { MessageUUID: _id, MessageIntent: _intent, ...others } = written as Record<string, string>;
  const cuts: Record<string, Record<string, string>> = {
    "another receiver": { ...genuine, Text: "hi", To: "15005550001", ToTz: "To15005550009" },
    "another receiver, and a name that holds the real one's": {
      ...{ ...genuine, Text: "hi", To: "15005550001" },
      ToTzTo: "15005550009",
    },
    "no id": { ...others, From: `15005550006MessageIntentMessageUUID${id}` },
    "a shorter id": { ...written, MessageUUID: id.slice(0, -1), [`8PowerpackUUID`]: "" },
  };
  for (const [what, fields] of Object.entries(cuts)) {
    const changed = Buffer.from(new URLSearchParams(fields).toString());
    expect(await plivo.verify({ ...rest, body: changed }, credentials), what).toBe(false);
  }
  const twice = Buffer.concat([body, Buffer.from("&Text=hi")]);
  expect(await plivo.verify({ ...rest, body: twice }, credentials)).toBe(false);
});

test("nor where the nonce has swallowed what was posted behind a text", async () => {
  const posted = { From: "15005550006", MessageUUID: "m", Text: "hiTo15005550001.", To: "15005550009" };
  const { body, ...rest } = signer.sign({ contentType: form["content-type"], body: posted }, { url, at });
  expect(await plivo.verify({ ...rest, body }, credentials)).toBe(true);
  const cut = { From: "15005550006", MessageUUID: "m", Text: "hi", To: "15005550001" };
  const name = "x-plivo-signature-v3-nonce";
  const headers = { ...rest.headers, [name]: `To15005550009.${rest.headers[name]}` };
  const request = { ...rest, headers, body: Buffer.from(new URLSearchParams(cut).toString()) };
  expect(await plivo.verify(request, credentials)).toBe(false);
});

test("WhatsApp, and files of which there are fewer than told, are a clear error", async () => {
  const of = (fields: Record<string, string>) => {
    const body = { From: "15005550006", To: "15005550009", MessageUUID: "m", ...fields };
    return plivo.parse(signer.sign({ contentType: form["content-type"], body }, { url, at }));
  };
  await expect(of({ Type: "whatsapp", Body: "hi" })).rejects.toThrow("Type: is neither sms nor mms");
  await expect(of({ Type: "mms", MediaCount: "2", Media0: "https://x.example/1" })).rejects.toThrow("MediaCount");
});
