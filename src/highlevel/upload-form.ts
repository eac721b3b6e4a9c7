import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";

/** A file for `POST /conversations/messages/upload`. */
export interface UploadFile {
  name: string;
  contentType: string;
  /** Of a stream, where it is known; then exactly so many bytes must come. */
  sizeBytes?: number | undefined;
  /** A stream is sent as it comes, without being held. */
  content: Buffer | Readable;
}

/**
 * What HighLevel takes, by the file's extension, up to 5 MB each:
 * https://marketplace.gohighlevel.com/docs/ghl/conversations/upload-file-attachments
 */
const takenExtensions = new Set(
  (
    "jpg jpeg png gif svg heic ai mp4 mpeg 3gp mp3 wav wave aiff aif aifc gsm ulaw ogg aac m4a amr " +
    "pdf doc docx txt csv xls xlsx ppt pptx odt zip rar vcf vcard ics"
  ).split(" "),
);

/** Does HighLevel take files with this extension, given without its dot? */
export function isTakenExtension(extension: string): boolean {
  return takenExtensions.has(extension.toLowerCase());
}

/** The fields and the file as multipart/form-data (RFC 7578), streamed. A file at a time: two of one name collide in the answer. */
export function encodeUpload(
  fields: Record<string, string>,
  file: UploadFile,
): { headers: Record<string, string>; body: Readable } {
  const boundary = `bridge-${randomBytes(16).toString("hex")}`;
  const part = (disposition: string, more = "") =>
    `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n`;
  const head = Object.entries(fields).map(([name, value]) => `${part(`name="${name}"`)}${value}\r\n`);
  head.push(
    part(
      `name="fileAttachment"; filename="${escapeName(file.name)}"`,
      `Content-Type: ${file.contentType.replace(/[\r\n]/g, "")}\r\n`,
    ),
  );
  const before = Buffer.from(head.join(""));
  const after = Buffer.from(`\r\n--${boundary}--\r\n`);
  async function* encode() {
    yield before;
    if (file.content instanceof Readable) yield* file.content;
    else yield file.content;
    yield after;
  }
  const sizeBytes = file.content instanceof Readable ? file.sizeBytes : file.content.length;
  const length = sizeBytes === undefined ? {} : { "Content-Length": String(before.length + sizeBytes + after.length) };
  return {
    headers: { "Content-Type": `multipart/form-data; boundary=${boundary}`, ...length },
    body: Readable.from(encode(), { objectMode: false }),
  };
}

/** As browsers do: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data */
function escapeName(name: string): string {
  return name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
