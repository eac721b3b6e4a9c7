import { extname } from "node:path";
import { Busboy } from "@fastify/busboy";
import { type Request, type RequestHandler, type Response, Router } from "express";
import { z } from "zod";
import { requireOwnLocation } from "../access.ts";
import { ApiError } from "../api-error.ts";
import { parseRequest, requireNoQuery } from "../parse-request.ts";
import { newId, type State } from "../state.ts";
import { optional } from "./message-fields.ts";

const most = { files: 5, bytes: 5_000_000 };
const extensions = new Set(
  (
    ".jpg .jpeg .png .gif .svg .heic .ai .mp4 .mpeg .3gp .mp3 .wav .wave .aiff .aif .aifc .gsm .ulaw .ogg .aac .m4a .amr " +
    ".pdf .doc .docx .txt .csv .xls .xlsx .ppt .pptx .odt .zip .rar .vcf .vcard .ics"
  ).split(" "),
);

interface UploadedFile {
  field: string;
  name: string;
  contentType: string;
  content: Buffer;
}

interface Upload {
  fields: Map<string, string>;
  files: UploadedFile[];
  isTooLarge: boolean;
}

/**
 * `POST /conversations/messages/upload`, and where the files lie that it took:
 * https://marketplace.gohighlevel.com/docs/ghl/conversations/upload-file-attachments
 */
export function uploadRoutes(state: State): { upload: RequestHandler; files: Router } {
  const stored = new Map<string, UploadedFile>();

  const upload: RequestHandler = async (req, res) => {
    const form = await readUpload(req);
    requireNoQuery(req);
    parseRequest(uploadFields, Object.fromEntries(form.fields));
    const refusal = refusalOf(form) ?? (isKnown(state, form, req, res) ? undefined : notKnown);
    if (refusal && !isAboutFile(refusal)) throw new ApiError(refusal.status, refusal.message);
    if (refusal) return void res.status(refusal.status).json(refusal);
    const urls = form.files.map((file) => {
      const id = newId();
      stored.set(id, file);
      const url = `${req.protocol}://${req.get("host")}/_sandbox/files/${id}/${encodeURIComponent(file.name)}`;
      return [file.name, url];
    });
    res.json({ uploadedFiles: Object.fromEntries(urls) });
  };

  const files = Router();
  files.get("/:id/:name", (req, res) => {
    const file = stored.get(req.params.id);
    if (!file || file.name !== req.params.name) throw new ApiError(404, "Not Found");
    // Whatever was uploaded is never shown as a page of this server.
    res.attachment(file.name).set({ "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox" });
    res.type(/^text\/|svg|xml/i.test(file.contentType) ? "text/plain" : file.contentType).send(file.content);
  });
  return { upload, files };
}

/** `UploadFilesDto`, of which the description requires locationId and one of the ids; isSecureAttachment is of the pages. */
const uploadFields = z.strictObject({
  ...{ locationId: optional, conversationId: optional, contactId: optional },
  ...{ attachmentUrls: optional, chatServiceSid: optional, isGroupSms: optional, isSecureAttachment: optional },
});

interface Refusal {
  status: number;
  message: string;
}

/** These two have a shape of their own. */
const isAboutFile = ({ status }: Refusal) => status === 413 || status === 415;
const refuse = (status: number, message: string): Refusal => ({ status, message });
/** Seen in the field for a conversation that is not there. */
const notKnown = refuse(500, "Internal server error");

function refusalOf({ fields, files, isTooLarge }: Upload): Refusal | undefined {
  if (!fields.get("locationId")) return refuse(400, "locationId is required");
  if (!fields.get("conversationId") && !fields.get("contactId")) {
    return refuse(400, "conversationId or contactId is required");
  }
  if (isTooLarge) return refuse(413, "File size exceeds the limit of 5 MB");
  if (files.length === 0) return refuse(400, "fileAttachment is required");
  const stranger = files.find((file) => file.field !== "fileAttachment");
  if (stranger) return refuse(400, `Unexpected field ${stranger.field}`);
  if (files.length > most.files) return refuse(400, "At most 5 files");
  const unfit = files.find((file) => !extensions.has(extname(file.name).toLowerCase()));
  return unfit && refuse(415, `File type of ${unfit.name} is not supported`);
}

function isKnown(state: State, { fields }: Upload, req: Request, res: Response): boolean {
  const locationId = fields.get("locationId");
  requireOwnLocation(req, res, locationId);
  const conversation = state.conversations.get(fields.get("conversationId") ?? "");
  const contact = state.contacts.get(fields.get("contactId") ?? conversation?.contactId ?? "");
  const isConversationKnown = !fields.has("conversationId") || conversation?.locationId === locationId;
  return isConversationKnown && contact?.locationId === locationId;
}

/** Reads the form to its end, whatever it holds: an answer in the middle would break the connection. */
function readUpload(req: Request): Promise<Upload> {
  const form: Upload = { fields: new Map(), files: [], isTooLarge: false };
  return new Promise((resolve, reject) => {
    const fail = () => reject(new ApiError(400, "Multipart: not a multipart form"));
    try {
      const contentType = req.get("content-type") ?? "";
      if (!/^multipart\/form-data/i.test(contentType)) return fail();
      const parser = new Busboy({ headers: { "content-type": contentType }, limits: { fileSize: most.bytes } });
      parser.on("field", (name, value) => void form.fields.set(name, value));
      parser.on("file", (field, stream, name, _encoding, type) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("limit", () => {
          form.isTooLarge = true;
        });
        stream.on("error", fail);
        stream.on("end", () => form.files.push({ field, name, contentType: type, content: Buffer.concat(chunks) }));
      });
      parser.on("error", fail);
      parser.on("finish", () => resolve(form));
      req.on("error", fail);
      req.on("close", () => {
        if (!req.complete) fail();
      });
      req.pipe(parser);
    } catch {
      fail();
    }
  });
}
