import type { ZodType } from "zod";
import type { ApiAnswer, CallApi } from "../calls/call-api.ts";
import { reasonOf } from "../calls/failure-reason.ts";
import { Failure } from "../errors.ts";
import type { CallStatus, Direction, HighlevelMessageType, MessageError } from "../model.ts";
import type { Access, Call } from "./call.ts";
import { createChecks, type HighlevelChecks } from "./checks.ts";
import {
  type ContactKey,
  type DndSettings,
  ensureContact,
  ensureConversation,
  findContact,
  nameIfNameless,
  readDnd,
  setDnd,
} from "./contacts.ts";
import { textOf } from "./refusals.ts";
import {
  type Email,
  emailAnswer,
  type InboundAnswer,
  inboundAnswer,
  type MessagePage,
  messageAnswer,
  messagesAnswer,
  type SendAnswer,
  sendAnswer,
  statusAnswer,
  unreadAnswer,
  uploadAnswer,
} from "./schemas.ts";
import { encodeUpload, type UploadFile } from "./upload-form.ts";

/** The body of `POST /conversations/messages/inbound`. */
export interface InboundPost {
  type: HighlevelMessageType | "Call";
  /** Default providers of SMS and Email have none. */
  conversationProviderId?: string;
  conversationId?: string;
  contactId?: string;
  altId?: string;
  direction: Direction;
  /** ISO 8601. */
  date: string;
  message?: string;
  html?: string;
  subject?: string;
  emailFrom?: string;
  emailTo?: string;
  emailCc?: string[];
  emailBcc?: string[];
  /** HighLevel's id of the email that this one answers. */
  emailMessageId?: string;
  attachments?: string[];
  call?: { from: string; to: string; status: CallStatus };
}

/** The body of `PUT /conversations/messages/{messageId}/status`. */
export interface StatusReport {
  status: "delivered" | "failed" | "read";
  error?: MessageError & { type: string };
}

/** The body of `PUT /conversations/messages/email/{emailMessageId}/status`. */
export interface EmailStatusReport {
  status: EmailStatus;
  /** Added to what HighLevel has counted, and so told once. */
  events?: Partial<Record<"delivered" | "opened" | "failed" | "complained", 1>>;
  recipients?: { emailId: string; status: EmailStatus; failReason?: string }[];
}

/** Of HighLevel's words for an email those that we use. */
export type EmailStatus = "sent" | "delivered" | "read" | "failed";

/** Calls to HighLevel's API v2. Each resolves with what HighLevel said, or throws a Failure; none retries. */
export interface Highlevel extends HighlevelChecks {
  postInbound(access: Access, post: InboundPost): Promise<InboundAnswer & { status: number }>;
  /** Logs a call that the business has made elsewhere. Of the same body as the other, HighLevel takes less here. */
  postOutboundCall(access: Access, post: InboundPost): Promise<InboundAnswer & { status: number }>;
  /** Of a call: these files instead of those that it has. Five at most. */
  setAttachments(access: Access, messageId: string, urls: string[]): Promise<{ status: number }>;
  /** Finds the contact by this one address, or makes it; the name is only for a new one. Gives its id. */
  ensureContact(access: Access, contact: ContactKey): Promise<string>;
  /**
   * HighLevel keeps one conversation per contact: gives its id, also when it was there. Throws a Failure, `not_visible`,
   * while there is one that HighLevel does not show yet.
   */
  ensureConversation(access: Access, contactId: string): Promise<string>;
  /** The contact with this one address; undefined where there is none. */
  findContact(access: Access, contact: ContactKey): Promise<string | undefined>;
  /** Gives the name to a contact that has none; where HighLevel does not take it, or has the contact no more, it stays as it is. */
  nameIfNameless(access: Access, contactId: string, name: string): Promise<void>;
  /** On which channels the contact is not to be written to. */
  readDnd(access: Access, contactId: string): Promise<DndSettings>;
  /** Sets all of them: what is left out may be lost. */
  setDnd(access: Access, contactId: string, settings: DndSettings): Promise<{ status: number }>;
  /** A page of a conversation's messages, newest first. */
  listMessages(access: Access, conversationId: string, after?: string): Promise<MessagePage>;
  /** How many of a conversation's messages are unread; undefined where HighLevel does not tell. */
  readUnread(access: Access, conversationId: string): Promise<number | undefined>;
  setUnread(access: Access, conversationId: string, count: number): Promise<{ status: number }>;
  /** In which conversation the message is. */
  findMessage(access: Access, messageId: string): Promise<{ conversationId: string }>;
  findEmail(access: Access, emailMessageId: string): Promise<Email>;
  /** Of a text. Answers 403 for some seconds after HighLevel has called the delivery URL. */
  reportStatus(access: Access, messageId: string, report: StatusReport): Promise<{ status: number }>;
  reportEmailStatus(access: Access, emailMessageId: string, report: EmailStatusReport): Promise<{ status: number }>;
  /** Has HighLevel send a message, by its own means or by calling a conversation provider's delivery URL. */
  sendMessage(access: Access, body: Record<string, unknown>): Promise<SendAnswer & { status: number }>;
  /** Gives the file's URL. A file that is too large is refused by 413, one of another type by 415. */
  uploadFile(access: Access, conversationId: string, file: UploadFile): Promise<string>;
}

/** As much of it as HighLevel takes, https://marketplace.gohighlevel.com/docs/ghl/conversations/add-an-outbound-message: no text. */
export function outboundCallOf(post: InboundPost) {
  const { type, conversationId, conversationProviderId, altId, date, attachments, call } = post;
  return { type, conversationId, conversationProviderId, altId, date, attachments, call };
}

/** A call that stands `behind` takes no permit while another one waits for one. */
export type Turn = "behind";

/** Keeps the calls within HighLevel's limits for a location. */
export interface CallLimit {
  /** Resolves when a call may be made; throws a Failure, `own_limit`, when none may be made soon. */
  takePermit(locationId: string, turn?: Turn): Promise<void>;
  /** The headers of an answer may say what is left. */
  heed(locationId: string, headers: ApiAnswer["headers"]): void;
}

/** Any published version answers on long-standing paths, none at all is a 401. */
const versions = { conversations: "2021-04-15", contacts: "2021-07-28", emailStatus: "v3" };
const pageSize = 100;

export interface HighlevelOptions {
  callApi: CallApi;
  baseUrl: string;
  limit?: CallLimit | undefined;
}

export function createHighlevel(options: HighlevelOptions): Highlevel {
  const call = createCall(options);
  return {
    ...createChecks(call),
    postInbound: (access, post) =>
      call(access, { method: "POST", path: "/conversations/messages/inbound", body: post, answer: inboundAnswer }),

    postOutboundCall(access, post) {
      const body = outboundCallOf(post);
      return call(access, { method: "POST", path: "/conversations/messages/outbound", body, answer: inboundAnswer });
    },

    setAttachments: (access, messageId, attachments) =>
      call(access, {
        method: "PUT",
        path: `/conversations/messages/${encodeURIComponent(messageId)}/attachments`,
        body: { attachments },
        answer: statusAnswer,
      }),

    ensureContact: (access, contact) => ensureContact(call, access, contact),
    ensureConversation: (access, contactId) => ensureConversation(call, access, contactId),
    findContact: (access, contact) => findContact(call, access, contact),
    nameIfNameless: (access, contactId, name) => nameIfNameless(call, access, contactId, name),
    readDnd: (access, contactId) => readDnd(call, access, contactId),
    setDnd: (access, contactId, settings) => setDnd(call, access, contactId, settings),
    listMessages: (access, conversationId, after) =>
      call(access, {
        method: "GET",
        path: `/conversations/${encodeURIComponent(conversationId)}/messages`,
        query: { limit: pageSize, ...(after === undefined ? {} : { lastMessageId: after }) },
        answer: messagesAnswer,
      }),

    // https://marketplace.gohighlevel.com/docs/ghl/conversations/get-conversation
    async readUnread(access, conversationId) {
      const path = `/conversations/${encodeURIComponent(conversationId)}`;
      return (await call(access, { method: "GET", path, answer: unreadAnswer })).unreadCount;
    },

    // https://marketplace.gohighlevel.com/docs/ghl/conversations/update-conversation
    setUnread: (access, conversationId, unreadCount) =>
      call(access, {
        method: "PUT",
        path: `/conversations/${encodeURIComponent(conversationId)}`,
        body: { locationId: access.locationId, unreadCount },
        answer: statusAnswer,
      }),

    findMessage: (access, id) =>
      call(access, { method: "GET", path: `/conversations/messages/${encodeURIComponent(id)}`, answer: messageAnswer }),

    findEmail(access, id) {
      const path = `/conversations/messages/email/${encodeURIComponent(id)}`;
      return call(access, { method: "GET", path, answer: emailAnswer });
    },

    reportStatus: (access, messageId, report) =>
      call(access, {
        method: "PUT",
        path: `/conversations/messages/${encodeURIComponent(messageId)}/status`,
        body: report,
        answer: statusAnswer,
      }),

    reportEmailStatus: (access, emailMessageId, report) =>
      call(access, {
        method: "PUT",
        path: `/conversations/messages/email/${encodeURIComponent(emailMessageId)}/status`,
        body: report,
        answer: statusAnswer,
        version: versions.emailStatus,
      }),

    sendMessage: (access, body) =>
      call(access, { method: "POST", path: "/conversations/messages", body, answer: sendAnswer }),

    async uploadFile(access, conversationId, file) {
      const form = encodeUpload({ locationId: access.locationId, conversationId }, file);
      const request = { method: "POST" as const, path: "/conversations/messages/upload", ...form };
      return (await call(access, { ...request, answer: uploadAnswer })).url;
    },
  };
}

function createCall(options: HighlevelOptions): Call {
  return async (access, request) => {
    await options.limit?.takePermit(access.locationId, access.isBehind && "behind");
    const { path, answer: schema, version, headers, ...rest } = request;
    const answer = await options
      .callApi({
        ...rest,
        url: `${options.baseUrl}${path}`,
        headers: {
          ...headers,
          Accept: "application/json",
          Authorization: `Bearer ${access.token}`,
          Version: version ?? (path.startsWith("/contacts") ? versions.contacts : versions.conversations),
        },
        ...(access.signal ? { signal: access.signal } : {}),
      })
      .catch((error: unknown) => {
        if (!(error instanceof Failure)) throw error;
        // A 429 says most plainly what is left.
        if (error.headers) options.limit?.heed(access.locationId, error.headers);
        throw readRefusal(error);
      });
    options.limit?.heed(access.locationId, answer.headers);
    return { ...parseAnswer(answer, schema, path), status: answer.status };
  };
}

function parseAnswer<Body>(answer: ApiAnswer, schema: ZodType<Body>, path: string): Body {
  const parsed = schema.safeParse(answer.body);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join(".") || "body").join(", ");
  throw new Failure("invalid_answer", `HighLevel answered ${answer.status} to ${path} without a usable ${fields}`, {
    status: answer.status,
    answer: answer.body,
  });
}

/** HighLevel's words can say more than the status of its answer. */
function readRefusal(failure: Failure): Failure {
  const { message, status, answer } = failure;
  if (status === undefined) return failure;
  const reason = reasonOf("highlevel", { status, words: textOf(answer) });
  return reason === failure.reason ? failure : new Failure(reason, message, { status, answer, cause: failure });
}
