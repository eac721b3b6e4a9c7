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
  const extensions = extensionsOf(facts);
  const byType = extensions.find(isWanted) ?? extensions[0];
  const own = cleanName(facts.name ?? "");
  const [kind = ""] = usualType(contentType).split("/");
  const stem = own || `${namedKinds.has(kind) ? kind : "file"}-${index + 1}`;
  const needsExtension =
    byType !== undefined && (extensionOf(stem) === "" || (!isWanted(extensionOf(stem)) && isWanted(byType)));
  return makeUnique(needsExtension ? `${stem}.${byType}` : stem, taken);
}

/** Those of the content type; where that says nothing, those of the type that the name's own extension stands for. */
function extensionsOf({ name = "", contentType }: FileFacts): string[] {
  const ofType = mime.extensions[usualType(contentType)];
  if (ofType && usualType(contentType) !== "application/octet-stream") return ofType;
  return mime.extensions[usualType(mime.lookup(name) || typesByExtension[extensionOf(name)])] ?? [];
}

const typesByExtension: Record<string, string> = { jfif: "image/jpeg", pjpeg: "image/jpeg", pjp: "image/jpeg" };

/** A content type without its parameters, by its registered name where it has another that cameras and programs write. */
export function usualType(contentType: string | undefined): string {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  return usualTypes[type] ?? type;
}

const usualTypes: Record<string, string> = {
  "image/jpg": "image/jpeg",
  "image/pjpeg": "image/jpeg",
  "image/jpe": "image/jpeg",
  "image/jfif": "image/jpeg",
  "image/pipeg": "image/jpeg",
  "application/jpg": "image/jpeg",
  "application/jpeg": "image/jpeg",
  "application/x-jpg": "image/jpeg",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  "application/png": "image/png",
  "application/x-png": "image/png",
  png: "image/png",
  "image/heif": "image/heic",
  "image/x-heic": "image/heic",
  "image/heic-sequence": "image/heic",
  "image/heif-sequence": "image/heic",
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
  "applications/pdf": "application/pdf",
  "applications/vnd.pdf": "application/pdf",
  "application/x-bzpdf": "application/pdf",
  pdf: "application/pdf",
  "application/vnd.pdf": "application/pdf",
  "text/pdf": "application/pdf",
  "text/x-pdf": "application/pdf",
  "text/x-csv": "text/csv",
  "application/csv": "text/csv",
  "application/x-csv": "text/csv",
  "text/comma-separated-values": "text/csv",
  "application/x-zip-compressed": "application/zip",
  "application/x-zip": "application/zip",
  "application/zip-compressed": "application/zip",
  "application/x-rar": "application/vnd.rar",
  "application/rar": "application/vnd.rar",
  "text/directory": "text/x-vcard",
  "application/vcard": "text/x-vcard",
  "application/ics": "text/calendar",
  "text/ics": "text/calendar",
  "text/x-vcalendar": "text/calendar",
  "application/docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  "application/x-docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  "application/xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  "application/x-xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  "application/pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  "application/word": "application/msword",
  "application/doc": "application/msword",
  "application/x-msword": "application/msword",
  "application/excel": "application/vnd.ms-excel",
  "application/x-excel": "application/vnd.ms-excel",
  "application/x-msexcel": "application/vnd.ms-excel",
  "audio/mp3": "audio/mpeg",
  "audio/x-mp3": "audio/mpeg",
  "audio/mpeg3": "audio/mpeg",
  "audio/mpeg-3": "audio/mpeg",
  "audio/x-mpeg-3": "audio/mpeg",
  "audio/vnd.wave": "audio/wav",
  "audio/x-pn-wav": "audio/wav",
  "audio/x-amr": "audio/amr",
  "audio/x-mpeg": "audio/mpeg",
  "audio/x-m4a": "audio/mp4",
  "audio/m4a": "audio/mp4",
  "audio/amr-nb": "audio/amr",
  "video/x-mp4": "video/mp4",
  "video/mpeg4": "video/mp4",
  "video/3gp": "video/3gpp",
  // A recording of a phone: there is no other extension for it that is taken.
  "audio/3gpp": "video/3gpp",
  "audio/3gp": "video/3gpp",
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
