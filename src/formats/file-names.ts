import { posix } from "node:path";
import mime from "mime-types";

/** What a file is known by. */
export interface FileFacts {
  name?: string | undefined;
  contentType?: string | undefined;
}

const longestName = 120;

/**
 * A name for a file: its own, else one by its content type and place, as in `image-1.jpg`. Different from the names in
 * `taken`, without folders and invisible characters, and with an extension that fits the content type where it has none.
 * Of the extensions of a content type one that `isWanted` is preferred.
 */
export function nameFile(
  facts: FileFacts & { index: number; taken: ReadonlySet<string> },
  isWanted: (extension: string) => boolean,
): string {
  const { contentType, index, taken } = facts;
  const extensions = mime.extensions[usualType(contentType)] ?? [];
  const byType = extensions.find(isWanted) ?? extensions[0];
  const own = cleanName(facts.name ?? "");
  const [kind = ""] = usualType(contentType).split("/");
  const stem = own || `${namedKinds.has(kind) ? kind : "file"}-${index + 1}`;
  const needsExtension =
    byType !== undefined && (extensionOf(stem) === "" || (!isWanted(extensionOf(stem)) && isWanted(byType)));
  return makeUnique(needsExtension ? `${stem}.${byType}` : stem, taken);
}

/** A content type without its parameters, by its registered name where it has another that cameras and programs write. */
export function usualType(contentType: string | undefined): string {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  return usualTypes[type] ?? type;
}

const usualTypes: Record<string, string> = {
  "image/jpg": "image/jpeg",
  "image/pjpeg": "image/jpeg",
  "image/jpe": "image/jpeg",
  "image/x-jpeg": "image/jpeg",
  "image/x-jpg": "image/jpeg",
  "image/x-citrix-jpeg": "image/jpeg",
  "image/x-png": "image/png",
  "image/x-citrix-png": "image/png",
  "image/x-gif": "image/gif",
  "image/tif": "image/tiff",
  "image/x-tiff": "image/tiff",
  "image/svg": "image/svg+xml",
  "application/x-pdf": "application/pdf",
  "application/acrobat": "application/pdf",
  "application/vnd.pdf": "application/pdf",
  "text/pdf": "application/pdf",
  "text/x-pdf": "application/pdf",
  "text/x-csv": "text/csv",
  "application/csv": "text/csv",
  "application/x-csv": "text/csv",
  "text/comma-separated-values": "text/csv",
  "application/x-zip-compressed": "application/zip",
  "application/x-zip": "application/zip",
  "application/word": "application/msword",
  "application/doc": "application/msword",
  "application/x-msword": "application/msword",
  "application/excel": "application/vnd.ms-excel",
  "application/x-excel": "application/vnd.ms-excel",
  "application/x-msexcel": "application/vnd.ms-excel",
  "audio/mp3": "audio/mpeg",
  "audio/x-mp3": "audio/mpeg",
  "audio/mpeg3": "audio/mpeg",
  "audio/x-mpeg": "audio/mpeg",
  "audio/x-m4a": "audio/mp4",
  "audio/m4a": "audio/mp4",
  "audio/amr-nb": "audio/amr",
  "video/x-mp4": "video/mp4",
  "video/mov": "video/quicktime",
};

const namedKinds = new Set(["image", "video", "audio"]);

/** Lower case, without the dot; empty when there is none. */
export function extensionOf(name: string): string {
  return posix.extname(name).slice(1).toLowerCase();
}

/** The content type that a name's extension stands for. */
export function contentTypeOf(name: string): string {
  return mime.lookup(name) || "application/octet-stream";
}

function cleanName(name: string): string {
  const lastPart = name.split(/[/\\]/).at(-1) ?? "";
  const visible = lastPart.replace(/[\p{Cc}\p{Cf}]/gu, "").trim();
  if (visible.length <= longestName) return visible;
  const extension = posix.extname(visible).slice(0, 20);
  return visible.slice(0, longestName - extension.length).toWellFormed() + extension;
}

function makeUnique(name: string, taken: ReadonlySet<string>): string {
  const { name: stem, ext } = posix.parse(name);
  let unique = name;
  for (let copy = 2; taken.has(unique); copy++) unique = `${stem}-${copy}${ext}`;
  return unique;
}
