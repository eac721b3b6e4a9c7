import type { FetchFile } from "../../calls/fetch-file.ts";
import { createRoom } from "../../concurrency/room.ts";
import { Failure } from "../../errors.ts";
import { contentTypeOf, extensionOf, usualType } from "../../formats/file-names.ts";
import type { Access } from "../../highlevel/call.ts";
import type { Highlevel } from "../../highlevel/client.ts";
import { goneThing } from "../../highlevel/refusals.ts";
import { isTakenExtension, type UploadFile } from "../../highlevel/upload-form.ts";
import { isAtMediaHost } from "../../providers/media-urls.ts";
import type { Reading } from "../../providers/reading.ts";
import type { Mapping } from "../../registry/mappings.ts";
import { keepAttachment } from "../../store/messages/messages.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { CarriedAttachment, Message, MessageContent } from "../../store/schema.ts";
import { findWebhook } from "../../store/webhooks.ts";
import { fetchMedia } from "./fetch-media.ts";
import { nameOf, refusals, refuse } from "./refuse-files.ts";

export interface CarryContext {
  db: Db;
  highlevel: Pick<Highlevel, "uploadFile">;
  reading: Pick<Reading, "openFiles">;
  fetchMedia: FetchFile;
  /** The largest file that is uploaded. */
  attachmentLimitBytes: number;
}

export interface CarryInput {
  mapping: Pick<Mapping, "provider" | "adapter" | "credentials">;
  /** HighLevel's id. */
  conversationId: string;
  message: Pick<Message, "id" | "webhookId" | "providerMessageId" | "receivedAt"> & { content: MessageContent };
  access: Access;
}

/**
 * Uploads to HighLevel the files of a message that HighLevel cannot fetch: those inside of the webhook, and those that
 * only the provider's credentials open. Gives the content with their new URLs, or with why HighLevel cannot have them;
 * it is kept after each file, so that a retry goes on where this one ended. Throws a Failure for what a retry may change.
 */
export function carryAttachments(context: CarryContext, input: CarryInput): Promise<MessageContent> {
  const inside = input.message.content.attachments.filter(({ url, refusal }) => (url ?? refusal) === undefined);
  const bytes = inside.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
  if (bytes <= largeBytes) return carryAll(context, input);
  return large.run(bytes, async () => {
    if (!input.access.signal?.aborted) return carryAll(context, input);
    throw new Failure(
      "unavailable",
      "the time was over before its files could be opened: other large ones were under way",
    );
  });
}

/** A webhook is read as a whole to open its files, which stay in memory until they are uploaded: so few large ones at once. */
const largeBytes = 1_000_000;
const large = createRoom(20_000_000);

async function carryAll(context: CarryContext, input: CarryInput): Promise<MessageContent> {
  let { content } = input.message;
  let opened: Promise<(Buffer | undefined)[]> | undefined;
  const open = async (index: number) => {
    opened ??= openFiles(context, input);
    return (await opened)[index];
  };
  for (const [index, attachment] of content.attachments.slice(0, maxFiles).entries()) {
    const taken = new Set(content.attachments.slice(0, index).flatMap(({ name }) => name ?? []));
    const carried = await carryOne(context, input, { attachment, index, taken, open });
    if (carried === attachment) continue;
    content = { ...content, attachments: content.attachments.with(index, carried) };
    await keepAttachment(context.db, input.message.id, index, carried);
  }
  // The rest is the same each time, so that it need not be kept.
  return { ...content, attachments: content.attachments.map(refuseBeyondLimit) };
}

/** Of one message: each is a fetch and an upload, and anybody can write a mail of thousands. */
const maxFiles = 50;

function refuseBeyondLimit(attachment: CarriedAttachment, index: number): CarriedAttachment {
  if (index < maxFiles || attachment.refusal !== undefined) return attachment;
  return refuse({ index, taken: new Set() }, attachment, refusals.tooMany);
}

async function openFiles(
  { db, reading }: CarryContext,
  { mapping, message }: CarryInput,
): Promise<(Buffer | undefined)[]> {
  if (!mapping.adapter.openFiles || message.webhookId === null) return [];
  const webhook = await findWebhook(db, message.webhookId);
  return webhook ? reading.openFiles(mapping.provider, webhook, message.providerMessageId) : [];
}

interface AttachmentPlace {
  attachment: CarriedAttachment;
  index: number;
  /** The names of the files before it. */
  taken: ReadonlySet<string>;
  open(index: number): Promise<Buffer | undefined>;
}

async function carryOne(context: CarryContext, input: CarryInput, place: AttachmentPlace): Promise<CarriedAttachment> {
  const { attachment, index } = place;
  const { url, refusal } = attachment;
  if (refusal !== undefined) return attachment;
  if (url !== undefined) return isMedia(input.mapping, url) ? carryMedia(context, input, place, url) : attachment;
  const early = judge(context, place, attachment).refusal;
  if (early === refusals.tooLarge) return refuse(place, attachment, early);
  const content = attachment.text === undefined ? await place.open(index) : Buffer.from(attachment.text);
  if (!content) return attachment;
  return upload(context, input, place, { ...attachment, sizeBytes: content.length }, content);
}

function isMedia({ adapter, credentials: [credentials] }: CarryInput["mapping"], url: string): boolean {
  return adapter.media !== undefined && isAtMediaHost(adapter.media, credentials, url);
}

async function carryMedia(
  context: CarryContext,
  input: CarryInput,
  place: AttachmentPlace,
  url: string,
): Promise<CarriedAttachment> {
  const { attachment } = place;
  const early = attachment.contentType === undefined ? undefined : judge(context, place, attachment).refusal;
  if (early) return refuse(place, attachment, early);
  const file = await fetchMedia(context, input, url);
  if ("refusal" in file) return refuse(place, attachment, file.refusal);
  const facts = {
    ...attachment,
    name: attachment.name ?? file.name,
    contentType: attachment.contentType ?? file.contentType,
    sizeBytes: file.sizeBytes,
  };
  return upload(context, input, place, facts, file.stream).finally(() => file.stream.destroy());
}

async function upload(
  context: CarryContext,
  { access, conversationId }: CarryInput,
  place: AttachmentPlace,
  facts: CarriedAttachment,
  content: UploadFile["content"],
): Promise<CarriedAttachment> {
  const { name, refusal } = judge(context, place, facts);
  if (refusal) return refuse(place, facts, refusal);
  const contentType = usualType(facts.contentType) || contentTypeOf(name);
  const { sizeBytes } = facts;
  try {
    const url = await context.highlevel.uploadFile(access, conversationId, { name, contentType, sizeBytes, content });
    return { ...facts, url, name, contentType };
  } catch (error) {
    return refuse(place, facts, refusalOfUpload(error));
  }
}

/** What can be said of a file before it goes anywhere. */
function judge(
  { attachmentLimitBytes }: CarryContext,
  place: AttachmentPlace,
  facts: CarriedAttachment,
): { name: string; refusal: string | undefined } {
  const name = nameOf(place, facts);
  if (!isTakenExtension(extensionOf(name))) return { name, refusal: refusals.type };
  return { name, refusal: (facts.sizeBytes ?? 0) > attachmentLimitBytes ? refusals.tooLarge : undefined };
}

/** HighLevel's answers that another try would not change, and that say nothing against the message. */
const refusalByStatus: Record<number, string> = {
  400: refusals.refused,
  413: refusals.tooLarge,
  415: refusals.type,
  422: refusals.refused,
};

/** Throws the error again when another try may change it, or when it is not about the file. */
function refusalOfUpload(error: unknown): string {
  if (!(error instanceof Failure)) throw error;
  // Found out while it was on its way.
  if (error.code === "too_large") return refusals.tooLarge;
  if (goneThing(error)) throw error;
  const refusal = refusalByStatus[error.status ?? 0];
  if (refusal === undefined) throw error;
  return refusal;
}
