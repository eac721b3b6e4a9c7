import { Busboy } from "@fastify/busboy";
import { decodeWords } from "postal-mime";
import { ParseError } from "../errors.ts";

/** A field of a form, or an uploaded file. */
export interface FormField {
  name: string;
  /** The bytes as they came: raw mail need not be UTF-8. */
  content: Buffer;
  filename?: string | undefined;
  contentType?: string | undefined;
}

/** Nobody's mail has so many: it would be somebody who wants to keep us busy before we know who it is. */
const maxFields = 10_000;

/**
 * The fields of a multipart/form-data (RFC 7578) or application/x-www-form-urlencoded body, in their order. Not by
 * `Response.formData()`: that refuses the whole form when one file's name has an escaped quote or stands in `filename*`
 * (https://github.com/nodejs/undici/issues/3760), and loses bytes that are not UTF-8.
 */
export function readForm(contentType: string, body: Buffer): Promise<FormField[]> {
  return new Promise((resolve, reject) => {
    const refuse = (why: string) =>
      reject(new ParseError(`the body is not the form that its content type says: ${why}`));
    const fields: FormField[] = [];
    try {
      const isMultipart = /^multipart\//i.test(contentType);
      const parser = new Busboy({
        headers: { "content-type": isMultipart ? contentType : (contentType.split(";")[0] ?? "") },
        // Bytes, whatever charset is claimed: of an urlencoded form one character each, of a multipart form as a stream.
        defCharset: "latin1",
        isPartAFile: () => true,
        limits: { fields: 2 * maxFields, parts: 2 * maxFields, fieldSize: body.length + 1 },
      });
      parser.on("field", (name, value) => {
        const content = Buffer.from(value, "latin1");
        fields.push({ name: Buffer.from(name, "latin1").toString("utf8"), content });
      });
      parser.on("file", (name, stream, filename, _encoding, type) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        // Without a listener an error, of a form that breaks off, would end the process.
        stream.on("error", (error) => refuse(error.message));
        stream.on("end", () => {
          const content = Buffer.concat(chunks);
          fields.push({ name, content, filename: decodeWords(filename ?? ""), contentType: type });
        });
      });
      parser.on("error", (error) => refuse(error instanceof Error ? error.message : "it cannot be read"));
      // What comes after the limit is passed over without a word: then the form is not whole.
      const isWhole = () => fields.length < maxFields;
      parser.on("finish", () => (isWhole() ? resolve(fields) : refuse(`it has ${maxFields} fields or more`)));
      parser.end(body);
    } catch (error) {
      refuse(error instanceof Error ? error.message : "it cannot be read");
    }
  });
}

/** The text of a field; of the last one where several have the name. */
export function formText(fields: FormField[], name: string): string | undefined {
  return fields.findLast((field) => field.name === name)?.content.toString("utf8");
}
