import { describe, expect, test } from "vitest";
import { ParseError } from "../../src/errors.ts";
import { formText, readForm } from "../../src/providers/form.ts";

const multipart = "multipart/form-data; boundary=xYzZY";
const part = (head: string, content = "hello") => `--xYzZY\r\n${head}\r\n\r\n${content}\r\n`;
const fileOf = (disposition: string, head = "") =>
  readForm(
    multipart,
    Buffer.from(`${part(`Content-Disposition: form-data; name="file"${disposition}${head}`)}--xYzZY--\r\n`),
  )[0];

describe("a multipart form", () => {
  test.each([
    ['; filename="a.pdf"', "a.pdf"],
    ["; filename=a.pdf", "a.pdf"],
    [';filename="a; name=b.pdf"', "a; name=b.pdf"],
    ['; filename="中文 📎.pdf"', "中文 📎.pdf"],
    ['; filename="say \\"hi\\".pdf"', 'say "hi".pdf'],
    ['; filename="C:\\temp\\a.pdf"', "C:\\temp\\a.pdf"],
    ['; filename="=?UTF-8?B?TcOkcnoucGRm?="', "März.pdf"],
    ["; filename*=utf-8''M%C3%A4rz.pdf", "März.pdf"],
    ["; filename=\"Marz.pdf\"; filename*=UTF-8'de'M%C3%A4rz.pdf", "März.pdf"],
    ["; filename*=iso-8859-1''M%E4rz.pdf", "M%E4rz.pdf"],
    ['; filename=""', undefined],
    ["", undefined],
  ])("whose file is called by %s is read", (disposition, filename) => {
    expect(fileOf(disposition)).toMatchObject({ name: "file", filename, content: Buffer.from("hello") });
  });

  test("gives each part's content type without its parameters, whatever other headers the part has", () => {
    const head = '\r\nContent-Transfer-Encoding: binary\r\ncontent-type: text/plain; charset="utf-8"';
    expect(fileOf('; filename="a.txt"', head)?.contentType).toBe("text/plain");
  });

  test("keeps bytes as they are, also those that look like a boundary's beginning or are no UTF-8", () => {
    const content = Buffer.from([0, 0xff, 0x0d, 0x0a, 0x2d, 0x2d, 0x78, 0x0d, 0x0a, 0x0d, 0x0a, 0xe4]);
    const body = Buffer.concat([
      Buffer.from('ignore this\r\n--xYzZY\r\nContent-Disposition: form-data; name="a"\r\n\r\n'),
      content,
      Buffer.from("\r\n--xYzZY--\r\nand this"),
    ]);
    expect(readForm('Multipart/Form-Data;boundary="xYzZY"', body)).toMatchObject([{ name: "a", content }]);
  });

  test("of 25 MB is not copied", () => {
    const file = Buffer.alloc(25_000_000, "x");
    const head = '--xYzZY\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n';
    const body = Buffer.concat([Buffer.from(head), file, Buffer.from("\r\n--xYzZY--")]);
    expect(readForm(multipart, body)[0]?.content.buffer).toBe(body.buffer);
  });

  test.each([
    ["", "no content type"],
    ["multipart/form-data", "no boundary"],
    ["application/json; boundary=xYzZY", "another type"],
  ])("of content type %j is a ParseError: %s", (contentType) => {
    expect(() => readForm(contentType, Buffer.from("x"))).toThrow(ParseError);
  });

  test.each([
    "",
    "x",
    "--xYzZY",
    part('Content-Disposition: form-data; name="a"'),
    "--xYzZY\r\n\r\nno name\r\n--xYzZY--",
    `--xYzZY\r\nX: ${"y".repeat(20_000)}\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--xYzZY--`,
  ])("that is broken is a ParseError: %#", (body) => {
    expect(() => readForm(multipart, Buffer.from(body))).toThrow(ParseError);
  });
});

test("a form of more fields than a mail has is refused before it costs us", () => {
  const many = Buffer.from("&a".repeat(5_000_000));
  const start = performance.now();
  expect(() => readForm("application/x-www-form-urlencoded", many)).toThrow(/10000 fields/);
  expect(() =>
    readForm(multipart, Buffer.from(part('Content-Disposition: form-data; name="a"').repeat(20_000))),
  ).toThrow(/10000 fields/);
  expect(performance.now() - start).toBeLessThan(2000);
});

describe("an urlencoded form", () => {
  const read = (body: string) => readForm("application/x-www-form-urlencoded; charset=utf-8", Buffer.from(body));

  test("is decoded to bytes, which need not be UTF-8", () => {
    expect(read("a+b=1%2B1+%3d+2&raw=%E4%zz%&&empty=&bare&eq=a=b")).toMatchObject([
      { name: "a b", content: Buffer.from("1+1 = 2") },
      { name: "raw", content: Buffer.from("\xe4%zz%", "latin1") },
      { name: "empty", content: Buffer.from("") },
      { name: "bare", content: Buffer.from("") },
      { name: "eq", content: Buffer.from("a=b") },
    ]);
  });

  test("gives the last of several fields of a name", () => {
    const fields = read("token=from-the-mail&token=from+Mailgun&umlaut=%C3%BC");
    expect(formText(fields, "token")).toBe("from Mailgun");
    expect(formText(fields, "umlaut")).toBe("ü");
    expect(formText(fields, "absent")).toBeUndefined();
  });
});
