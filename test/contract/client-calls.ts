import { Readable } from "node:stream";
import type { Access } from "../../src/highlevel/call.ts";
import type { EmailStatusReport, Highlevel, InboundPost, StatusReport } from "../../src/highlevel/client.ts";
import type { OauthClient } from "../../src/highlevel/oauth.ts";
import type { sendBody } from "../../src/http/send-body.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";

/** Both clients before a sandbox, and what it knows. */
export interface Stage {
  highlevel: Highlevel;
  oauth: OauthClient;
  access: Access;
  sandbox: Sandbox;
  contactId: string;
  conversationId: string;
  /** Of an agent: a text, and an email with copies. */
  textId: string;
  emailId: string;
  /** Has somebody install the app, and gives the code. */
  install(who: { locationId: string } | { companyId: string }): Promise<string>;
}

/** For each call of a client: under which name, and how it is made. */
type Calls<Client> = Record<keyof Client, Record<string, (stage: Stage) => Promise<unknown>>>;

const redirectUri = "https://bridge.example/oauth/callback";
const date = "2026-11-21T10:00:00.000Z";

/** All calls of the client, each with its fullest and its barest arguments. A new field does not compile until it is here. */
export const highlevelCalls: Calls<Highlevel> = {
  postInbound: {
    "an email with everything": ({ highlevel, access, ...ids }) => highlevel.postInbound(access, fullestEmail(ids)),
    "a text with everything": ({ highlevel, access, contactId, conversationId }) =>
      highlevel.postInbound(access, {
        ...{ type: "Custom", conversationProviderId: "extra-sms", contactId, conversationId, altId: "text-1" },
        ...{ direction: "inbound", date, message: "hello", attachments: ["https://files.example/a.png"] },
      }),
    "a text that we recorded": ({ highlevel, access, contactId }) =>
      highlevel.postInbound(access, {
        ...{ type: "SMS", conversationProviderId: "default-sms", contactId },
        ...{ direction: "outbound", date, message: "hello" },
      }),
    "a text by the default provider, to a contact": ({ highlevel, access, contactId }) =>
      highlevel.postInbound(access, { type: "SMS", contactId, direction: "inbound", date, message: "hello" }),
    "an email by the default provider, to a conversation": ({ highlevel, access, conversationId }) =>
      highlevel.postInbound(access, {
        ...{ type: "Email", conversationId, direction: "inbound", date },
        ...{ html: "<p>hello</p>", emailTo: "us@example.com" },
      }),
  },
  ensureContact: {
    "by a new number": ({ highlevel, access }) => highlevel.ensureContact(access, { phone: "+15005550001" }),
    "by a new address, with a name": ({ highlevel, access }) =>
      highlevel.ensureContact(access, { email: "new@example.org", name: "A. Name" }),
    "by a known number": ({ highlevel, access }) => highlevel.ensureContact(access, { phone: "+15005550006" }),
    "by a known number, with a name": ({ highlevel, access, sandbox }) => {
      sandbox.addContact({ locationId: "loc", phone: "+15005550004" });
      return highlevel.ensureContact(access, { phone: "+15005550004", name: "A. Name" });
    },
    "by a name alone": ({ highlevel, access }) => highlevel.ensureContact(access, { name: "A. Name" }),
  },
  nameIfNameless: {
    "to one without a name": ({ highlevel, access, contactId }) =>
      highlevel.nameIfNameless(access, contactId, "A. Name"),
  },
  postOutboundCall: {
    "with a recording": ({ highlevel, access, conversationId }) =>
      highlevel.postOutboundCall(access, callTo(conversationId)),
  },
  setAttachments: {
    "of a call": async ({ highlevel, access, conversationId }) => {
      const { messageId } = await highlevel.postOutboundCall(access, callTo(conversationId));
      return highlevel.setAttachments(access, messageId, [
        "https://files.example/a.mp3",
        "https://files.example/b.mp3",
      ]);
    },
  },
  findContact: {
    "by a known number": ({ highlevel, access }) => highlevel.findContact(access, { phone: "+15005550006" }),
    "by an unknown address": ({ highlevel, access }) => highlevel.findContact(access, { email: "nobody@example.org" }),
  },
  readDnd: {
    "of a contact": ({ highlevel, access, contactId }) => highlevel.readDnd(access, contactId),
  },
  setDnd: {
    "for texts, with words": ({ highlevel, access, contactId }) =>
      highlevel.setDnd(access, contactId, { SMS: { status: "active", message: "STOP", code: "stop" } }),
    "lifted for emails": ({ highlevel, access, contactId }) =>
      highlevel.setDnd(access, contactId, { Email: { status: "inactive", message: undefined, code: undefined } }),
  },
  ensureConversation: {
    "of a new contact": ({ highlevel, access, sandbox }) =>
      highlevel.ensureConversation(access, sandbox.addContact({ locationId: "loc", phone: "+15005550002" }).id),
    "that is there": ({ highlevel, access, contactId }) => highlevel.ensureConversation(access, contactId),
    "that is there and is not named": ({ highlevel, access, sandbox, contactId }) => {
      const body = { statusCode: 400, message: "Conversation already exists" };
      sandbox.setFaults([{ kind: "status", path: "/conversations/", exact: true, status: 400, times: 1, body }]);
      return highlevel.ensureConversation(access, contactId);
    },
  },
  listProviders: {
    "of texts": ({ highlevel, access }) => highlevel.listProviders(access, "sms"),
    "of emails": ({ highlevel, access }) => highlevel.listProviders(access, "email"),
  },
  askByScope: {
    "for conversations": ({ highlevel, access }) => highlevel.askByScope(access, "conversations.readonly"),
    "for messages": ({ highlevel, access }) => highlevel.askByScope(access, "conversations/message.readonly"),
    "for contacts": ({ highlevel, access }) => highlevel.askByScope(access, "contacts.readonly"),
  },
  listMessages: {
    "from the newest on": ({ highlevel, access, conversationId }) => highlevel.listMessages(access, conversationId),
    "as published, by itself": async ({ highlevel, access, sandbox, conversationId, contactId }) => {
      sandbox.setSettings({ messageList: "flat" });
      const post = { type: "SMS", contactId, altId: "text-2", direction: "inbound", date, message: "hello" } as const;
      await highlevel.postInbound(access, post);
      return highlevel.listMessages(access, conversationId);
    },
    "as published in the examples of meta.email": ({ highlevel, access, sandbox, conversationId }) => {
      sandbox.setSettings({ messageList: "flat", emailMeta: "nested", showsAltIds: false });
      return highlevel.listMessages(access, conversationId);
    },
    "after one": ({ highlevel, access, conversationId, textId }) =>
      highlevel.listMessages(access, conversationId, textId),
  },
  readUnread: {
    "by its id": ({ highlevel, access, conversationId }) => highlevel.readUnread(access, conversationId),
  },
  setUnread: {
    "to none": ({ highlevel, access, conversationId }) => highlevel.setUnread(access, conversationId, 0),
  },
  findMessage: {
    "by its id": ({ highlevel, access, textId }) => highlevel.findMessage(access, textId),
  },
  findEmail: {
    "by its id": ({ highlevel, access, emailId }) => highlevel.findEmail(access, emailId),
  },
  reportStatus: {
    "with everything": ({ highlevel, access, textId }) => highlevel.reportStatus(access, textId, fullestReport),
    "with nothing more": ({ highlevel, access, textId }) =>
      highlevel.reportStatus(access, textId, { status: "delivered" }),
  },
  reportEmailStatus: {
    "with everything": ({ highlevel, access, emailId }) =>
      highlevel.reportEmailStatus(access, emailId, fullestEmailReport),
    "with nothing more": ({ highlevel, access, emailId }) =>
      highlevel.reportEmailStatus(access, emailId, { status: "delivered" }),
  },
  sendMessage: {
    "with everything": ({ highlevel, access, contactId, emailId }) =>
      highlevel.sendMessage(access, { ...fullestSend(emailId), contactId }),
    "with nothing more": ({ highlevel, access, contactId }) =>
      highlevel.sendMessage(access, { type: "SMS", contactId, message: "hello" }),
  },
  uploadFile: {
    "a buffer": ({ highlevel, access, conversationId }) =>
      highlevel.uploadFile(access, conversationId, {
        ...{ name: "a.png", contentType: "image/png", content: Buffer.from("x") },
      }),
    "a stream of unknown length": ({ highlevel, access, conversationId }) =>
      highlevel.uploadFile(access, conversationId, {
        ...{ name: 'a "b".pdf', contentType: "application/pdf", content: Readable.from([Buffer.from("x")]) },
      }),
  },
};

export const oauthCalls: Calls<OauthClient> = {
  exchangeCode: {
    "of a location": async ({ oauth, install }) =>
      oauth.exchangeCode({ code: await install({ locationId: "loc" }), redirectUri }),
    "of an agency": async ({ oauth, install }) =>
      oauth.exchangeCode({ code: await install({ companyId: "agency" }), redirectUri }),
  },
  refreshTokens: {
    "of a location": async ({ oauth, install }) => {
      const { refreshToken } = await oauth.exchangeCode({ code: await install({ locationId: "loc" }), redirectUri });
      return oauth.refreshTokens({ refreshToken, userType: "Location" });
    },
  },
  mintLocationToken: {
    "by its agency's": async ({ oauth, install }) => {
      const { accessToken } = await oauth.exchangeCode({ code: await install({ companyId: "agency" }), redirectUri });
      return oauth.mintLocationToken({ companyToken: accessToken, companyId: "agency", locationId: "loc" });
    },
  },
};

const callTo = (conversationId: string): InboundPost => ({
  ...{ type: "Call", conversationProviderId: "calls", conversationId, altId: "call-1", direction: "outbound", date },
  ...{ message: "Call", attachments: ["https://files.example/a.mp3"] },
  call: { from: "+15005550009", to: "+15005550006", status: "completed" },
});

function fullestEmail({ contactId, conversationId, emailId }: Pick<Stage, "contactId" | "conversationId" | "emailId">) {
  return {
    ...{ type: "Custom", conversationProviderId: "extra-mail", conversationId, contactId, altId: "<m-1@mail.example>" },
    ...{ direction: "inbound", date, message: "hello", html: "<p>hello</p>", subject: "A question" },
    ...{ emailFrom: "ann@example.org", emailTo: "us@example.com", emailMessageId: emailId },
    ...{ emailCc: ["bob@example.org"], emailBcc: ["eve@example.org"], attachments: ["https://files.example/a.png"] },
  } satisfies Required<Omit<InboundPost, "call">>;
}

const fullestReport: Required<StatusReport> = {
  status: "failed",
  error: { code: "30003", type: "twilio", message: "unreachable" },
};

const fullestEmailReport: Required<EmailStatusReport> = {
  status: "failed",
  events: { delivered: 1, opened: 1, failed: 1, complained: 1 },
  recipients: [{ emailId: "ann@example.org", status: "failed", failReason: "mailbox is full (550)" }],
};

/** All that the send route passes on. */
const fullestSend = (emailId: string) =>
  ({
    ...{ type: "Email", contactId: "", conversationProviderId: "extra-mail", status: "pending", subType: {} },
    ...{ message: "hello", html: "<p>hello</p>", subject: "A question", attachments: ["https://files.example/a.png"] },
    ...{ emailFrom: "us@example.com", emailTo: "ann@example.org", emailReplyMode: "reply_all" },
    ...{ emailCc: ["bob@example.org"], emailBcc: ["eve@example.org"], replyMessageId: emailId, threadId: emailId },
    ...{ templateId: "template", appointmentId: "appointment", scheduledTimestamp: 1_800_000_000, userId: "user" },
    ...{ fromNumber: "+15005550000", toNumber: "+15005550006", customSubtypeId: "subtype", mentions: ["user"] },
    ...{ usesNativeSchedulingAi: false, optimizationPeriod: "24h", forward: { isForwarded: false } },
  }) satisfies Record<Exclude<keyof typeof sendBody.shape, "locationId">, unknown>;
