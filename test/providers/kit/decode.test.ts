import { expect, test } from "vitest";
import { z } from "zod";
import { ParseError } from "../../../src/errors.ts";
import { decode, isOfType } from "../../../src/providers/kit/decode.ts";
import { requestOf } from "./request.ts";

const form = "application/x-www-form-urlencoded";
const json = "application/json";
const anything = z.record(z.string(), z.unknown());
const typed = (body: string, type: string, url = "") => requestOf(body, { url, headers: { "content-type": type } });
const readAll = async (body: string, type: string, types: string[]) =>
  (await decode(typed(body, type), types)).read(anything);

test("a body is read in the way of its content type", async () => {
  expect(await readAll('{"a":1}', "application/json; charset=utf-8", [form, json])).toEqual({ a: 1 });
  expect(await readAll("a=1&b=%C3%BC+x", `${form};charset=utf-8`, [json, form])).toEqual({ a: "1", b: "ü x" });
  const multipart = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n';
  expect(await readAll(multipart, "Multipart/Form-Data; boundary=b", ["multipart/form-data"])).toEqual({ a: "1" });
  expect(await readAll('{"a":1}', "text/plain", ["text/plain"]), "as Amazon SNS does").toEqual({ a: 1 });
});

test("a body of no type that the provider posts is read as its usual one", async () => {
  expect(await readAll("a=1", "application/jsonp", [form, json])).toEqual({ a: "1" });
  expect(await readAll('{"a":1}', form, [json])).toEqual({ a: 1 });
});

test("of a repeated field the last counts, and no name of a field harms", async () => {
  expect(await readAll("a=1&a=2", form, [form])).toEqual({ a: "2" });
  const { read } = await decode(typed("__proto__=x&constructor=y&to=z", form), [form]);
  expect(read(z.object({ to: z.string() }))).toEqual({ to: "z" });
  expect({}).not.toHaveProperty("x");
});

test("what cannot be decoded, or does not fit, is a ParseError that names it", async () => {
  await expect(decode(typed("{", json), [json])).rejects.toThrow(ParseError);
  await expect(decode(typed("&a=1".repeat(10_000), form), [form])).rejects.toThrow(/10000 fields/);
  const webhook = await decode(typed('{"a":{"b":[1]}}', json), [json]);
  expect(() => webhook.read(z.object({ a: z.object({ b: z.array(z.string()) }) }))).toThrow(/^a\.b\.0: /);
});

test("the files of a form are given as bytes, and the reference out of the URL", async () => {
  const { fields, isJson, reference } = await decode(typed("raw=%E4", form, "https://x.example/w?a=b&message=42"), [
    form,
  ]);
  expect(fields).toMatchObject([{ name: "raw", content: Buffer.from([0xe4]) }]);
  expect([isJson, reference]).toEqual([false, "42"]);
  expect((await decode(typed("{}", json, "https://x.example/w?message=x"), [json])).reference).toBeUndefined();
});

test("a media type is compared without its parameters", () => {
  expect(isOfType(typed("", "Application/JSON;charset=utf-8"), json)).toBe(true);
  expect(isOfType(typed("", "application/json-patch"), json)).toBe(false);
  expect(isOfType(requestOf(""), json)).toBe(false);
});
