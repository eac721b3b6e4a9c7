import { describe, expect, test } from "vitest";
import { contentTypeOf, type FileFacts, nameFile } from "../../src/formats/file-names.ts";
import { isTakenExtension } from "../../src/highlevel/upload-form.ts";

const name = (facts: FileFacts, index = 0, taken: string[] = []) =>
  nameFile({ ...facts, index, taken: new Set(taken) }, isTakenExtension);

describe("nameFile", () => {
  test.each([
    [{ name: "invoice.pdf", contentType: "application/pdf" }, "invoice.pdf"],
    [{ contentType: "image/jpeg" }, "image-1.jpg"],
    [{ contentType: "IMAGE/PNG; charset=binary" }, "image-1.png"],
    [{ contentType: "image/jpg" }, "image-1.jpg"],
    [{ contentType: "image/pjpeg; name=x" }, "image-1.jpg"],
    [{ contentType: "Image/X-PNG" }, "image-1.png"],
    [{ contentType: "application/x-pdf" }, "file-1.pdf"],
    [{ contentType: "audio/mp3" }, "audio-1.mp3"],
    [{ contentType: "audio/mpeg" }, "audio-1.mp3"],
    [{ contentType: "audio/ogg" }, "audio-1.ogg"],
    [{ contentType: "text/x-vcard" }, "file-1.vcf"],
    [{ contentType: "application/x-nobody-knows" }, "file-1"],
    [{}, "file-1"],
    [{ name: "scan", contentType: "application/pdf" }, "scan.pdf"],
    [{ name: "IMG_1.JPEG", contentType: "image/jpeg" }, "IMG_1.JPEG"],
    [{ name: "photo.jfif", contentType: "image/jpeg" }, "photo.jfif.jpg"],
    [{ name: "animation.webp", contentType: "image/webp" }, "animation.webp"],
    [{ name: "../../etc/passwd.txt" }, "passwd.txt"],
    [{ name: "C:\\temp\\offer.doc" }, "offer.doc"],
    [{ name: "evil\r\nX: y\u202egpj.pdf" }, "evilX: ygpj.pdf"],
    [{ name: "  " }, "file-1"],
  ])("names %j %s", (facts, expected) => {
    expect(name(facts)).toBe(expected);
  });

  test("tells files of one message apart", () => {
    expect(name({ contentType: "image/jpeg" }, 2)).toBe("image-3.jpg");
    expect(name({ name: "a.pdf" }, 2, ["a.pdf", "a-2.pdf"])).toBe("a-3.pdf");
  });

  test("shortens a long name, and keeps its extension", () => {
    expect(name({ name: `${"ü".repeat(500)}.pdf` })).toMatch(/^ü{116}\.pdf$/);
  });
});

test("contentTypeOf knows what an extension stands for, and says so when it does not", () => {
  expect(contentTypeOf("a.PDF")).toBe("application/pdf");
  expect(contentTypeOf("a")).toBe("application/octet-stream");
});

test.each([
  ["image/jfif", undefined, "image-1.jpg"],
  ["image/heif", undefined, "image-1.heic"],
  ["application/jpg", undefined, "image-1.jpg"],
  ["applications/pdf", undefined, "file-1.pdf"],
  ["application/x-rar", undefined, "file-1.rar"],
  ["text/directory", undefined, "file-1.vcf"],
  ["application/docx", undefined, "file-1.docx"],
  ["audio/3gpp", undefined, "video-1.3gp"],
  ["application/octet-stream", "photo.jfif", "photo.jfif.jpg"],
  ["binary/octet-stream", "photo.jpe", "photo.jpe.jpg"],
])("a file of type %s, called %s, is taken as %s", (contentType, given, expected) => {
  expect(name({ contentType, name: given })).toBe(expected);
});
