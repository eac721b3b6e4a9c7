import { describe, expect, test } from "vitest";
import { ParseError } from "../../src/errors.ts";
import { formText, readForm } from "../../src/formats/form.ts";
import { expectSwift } from "../fuzz/slowness.ts";

const multipart = "multipart/form-data; boundary=xYzZY";
const part = (head: string, content = "hello") => `--xYzZY\r\n${head}\r\n\r\n${content}\r\n`;
const fileOf = async (disposition: string, head = "\r\nContent-Type: application/octet-stream") => {
  const body = `${part(`Content-Disposition: form-data; name="file"${disposition}${head}`)}--xYzZY--\r\n`;
  return (await readForm(multipart, Buffer.from(body)))[0];
};

describe("a multipart form", () => {
  test.each([
    ['; filename="a.pdf"', "a.pdf"],
    ["; filename=a.pdf", "a.pdf"],
    [';filename="a; name=b.pdf"', "a; name=b.pdf"],
    ['; filename="中文 📎.pdf"', "中文 📎.pdf"],
    ['; filename="say \\"hi\\".pdf"', 'say "hi".pdf'],
    ['; filename="C:\\temp\\a.pdf"', "a.pdf"],
    ['; filename="=?UTF-8?B?TcOkcnoucGRm?="', "März.pdf"],
    ["; filename*=utf-8''M%C3%A4rz.pdf", "März.pdf"],
    ["; filename=\"Maerz.pdf\"; filename*=UTF-8''M%C3%A4rz.pdf", "März.pdf"],
    ["; filename*=iso-8859-1''M%E4rz.pdf; filename=Maerz.pdf", "März.pdf"],
    ['; filename*0="Angebot "; filename*1="März.pdf"', "Angebot März.pdf"],
    ['; filename="../../a.pdf"', "a.pdf"],
    ['; filename="100%25.pdf"', "100%25.pdf"],
    ['; FileName="a.pdf"', "a.pdf"],
    ["", ""],
  ])("whose file is called by %s is read", async (disposition, filename) => {
    expect(await fileOf(disposition)).toMatchObject({ name: "file", filename, content: Buffer.from("hello") });
  });

  test.each([
    ["no name at all", "X: y"],
    ["another disposition", "Content-Disposition: attachment"],
    ["a name with a line break", 'Content-Disposition: form-data; name="a%0D%0Ab\nc"'],
    ["no headers", ""],
  ])("is read to its end where a large part has %s", async (_what, head) => {
    const named = part('Content-Disposition: form-data; name="a"');
    const body = `${part(head, "x\r\n".repeat(100_000))}${named}--xYzZY--\r\n`;
    expect((await readForm(multipart, Buffer.from(body))).map(({ name }) => name)).toContain("a");
  });

  test("gives each part's content type without its parameters, whatever other headers the part has", async () => {
    const head = '\r\nContent-Transfer-Encoding: binary\r\ncontent-type: text/plain; charset="utf-8"';
    expect((await fileOf('; filename="a.txt"', head))?.contentType).toBe("text/plain");
  });

  test("keeps bytes as they are, also those that look like a boundary's beginning or are no UTF-8", async () => {
    const content = Buffer.from([0, 0xff, 0x0d, 0x0a, 0x2d, 0x2d, 0x78, 0x0d, 0x0a, 0x0d, 0x0a, 0xe4]);
    const body = Buffer.concat([
      Buffer.from('ignore this\r\n--xYzZY\r\nContent-Disposition: form-data; name="a"\r\n\r\n'),
      content,
      Buffer.from("\r\n--xYzZY--\r\nand this"),
    ]);
    expect(await readForm('Multipart/Form-Data;boundary="xYzZY"', body)).toMatchObject([{ name: "a", content }]);
  });

  test("may have parts without headers, blanks behind boundaries, and what only looks like one", async () => {
    const disposition = 'Content-Disposition: form-data;\r\n name="a"';
    const body = `--xYzZY \r\n\r\nnobody's\r\n--xYzZY\r\n${disposition}\r\n\r\none\r\n--xYzZYnot\r\n\r\n--xYzZY--`;
    const content = Buffer.from("one\r\n--xYzZYnot\r\n");
    expect(await readForm(multipart, Buffer.from(body))).toMatchObject([{ name: "a", content }]);
    const empty = `--xYzZY\r\n${disposition}\r\n\r\n\r\n--xYzZY--\r\n`;
    expect(await readForm(multipart, Buffer.from(empty))).toMatchObject([{ name: "a", content: Buffer.alloc(0) }]);
  });

  test.each(["\r\n--xYzZY", "\r\n--xYzZYa", "\r\n\r\n", "\r\n--xYzZY\r\n", "--xYzZY\r\nname:"])(
    "of 1 MB of %j takes no time",
    async (piece) => {
      const body = Buffer.from(`--xYzZY\r\n${piece.repeat(1_000_000 / piece.length)}`);
      await expectSwift(
        () => readForm(multipart, body).catch(() => undefined),
        () => piece,
        1000,
      );
    },
  );

  test.each([
    ["", "no content type"],
    ["multipart/form-data", "no boundary"],
    ["application/json; boundary=xYzZY", "another type"],
  ])("of content type %j is a ParseError: %s", async (contentType) => {
    await expect(readForm(contentType, Buffer.from("x"))).rejects.toThrow(ParseError);
  });

  test.each(["", "x", "--xYzZY", part('Content-Disposition: form-data; name="a"')])(
    "that breaks off is a ParseError: %#",
    async (body) => {
      await expect(readForm(multipart, Buffer.from(body))).rejects.toThrow(ParseError);
    },
  );
});

test("a form of more fields than a mail has is refused", async () => {
  const many = Buffer.from("&a=1".repeat(20_000));
  await expect(readForm("application/x-www-form-urlencoded", many)).rejects.toThrow(/10000 fields/);
  const parts = Buffer.from(`${part('Content-Disposition: form-data; name="a"').repeat(15_000)}--xYzZY--`);
  await expect(readForm(multipart, parts)).rejects.toThrow(/10000 fields/);
});

describe("an urlencoded form", () => {
  const read = (body: string) => readForm("application/x-www-form-urlencoded; charset=utf-8", Buffer.from(body));

  test("is decoded to bytes, which need not be UTF-8", async () => {
    expect(await read("a+b=1%2B1+%3d+2&raw=%E4&empty=&eq=a=b")).toMatchObject([
      { name: "a b", content: Buffer.from("1+1 = 2") },
      { name: "raw", content: Buffer.from("\xe4", "latin1") },
      { name: "empty", content: Buffer.from("") },
      { name: "eq", content: Buffer.from("a=b") },
    ]);
  });

  test("gives the last of several fields of a name: the provider's come after the mail's", async () => {
    const fields = await read("token=from-the-mail&token=from+Mailgun&umlaut=%C3%BC");
    expect(formText(fields, "token")).toBe("from Mailgun");
    expect(formText(fields, "umlaut")).toBe("ü");
    expect(formText(fields, "absent")).toBeUndefined();
  });
});

test("wherever a form is cut, what is read is a part of it", async () => {
  const part = (name: string, more: string, content: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`;
  const whole = `${part("to", "", "box@ours.test")}${part("file", '; filename="plans.pdf"', "plans of the house")}--b--\r\n`;
  for (let at = 10; at < whole.length; at++) {
    const fields = await readForm("multipart/form-data; boundary=b", Buffer.from(whole.slice(0, at)), { isCut: true });
    for (const { name, content } of fields) {
      const given = name === "to" ? "box@ours.test" : "plans of the house";
      expect(given).toContain(content.toString().replace(/[\r\n][\s\S]*$/, ""));
    }
  }
  const cut = Buffer.from(whole.slice(0, whole.indexOf(" of the house")));
  const read = await readForm("multipart/form-data; boundary=b", cut, { isCut: true });
  expect(read.map(({ name, filename }) => [name, filename])).toEqual([
    ["to", ""],
    ["file", "plans.pdf"],
  ]);
  await expect(readForm("multipart/form-data; boundary=b", cut)).rejects.toThrow("breaks off");
});
