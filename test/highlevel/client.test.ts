import { expect, test } from "vitest";
import type { ApiAnswer } from "../../src/calls/call-api.ts";
import { Failure } from "../../src/errors.ts";
import type { Access } from "../../src/highlevel/call.ts";
import { createHighlevel, type Highlevel } from "../../src/highlevel/client.ts";

const access = { locationId: "location-1", token: "t" };
const file = { name: "a.png", contentType: "image/png", sizeBytes: 1, content: Buffer.from("x") };
const calls: Record<keyof Highlevel, (highlevel: Highlevel, access: Access) => Promise<unknown>> = {
  postInbound: (highlevel, to) =>
    highlevel.postInbound(to, { type: "SMS", conversationProviderId: "p", direction: "inbound", date: "2026-11-26" }),
  ensureContact: (highlevel, to) => highlevel.ensureContact(to, { phone: "+15005550006" }),
  postOutboundCall: (highlevel, to) =>
    highlevel.postOutboundCall(to, {
      type: "Call",
      conversationProviderId: "p",
      direction: "outbound",
      date: "2026-11-26",
    }),
  setAttachments: (highlevel, to) => highlevel.setAttachments(to, "message-1", ["https://files.example/a.mp3"]),
  findContact: (highlevel, to) => highlevel.findContact(to, { phone: "+15005550006" }),
  nameIfNameless: (highlevel, to) => highlevel.nameIfNameless(to, "contact-1", "A. Name"),
  readDnd: (highlevel, to) => highlevel.readDnd(to, "contact-1"),
  setDnd: (highlevel, to) => highlevel.setDnd(to, "contact-1", {}),
  ensureConversation: (highlevel, to) => highlevel.ensureConversation(to, "contact-1"),
  listMessages: (highlevel, to) => highlevel.listMessages(to, "conversation-1"),
  listProviders: (highlevel, to) => highlevel.listProviders(to, "sms"),
  askByScope: (highlevel, to) => highlevel.askByScope(to, "conversations.readonly"),
  readUnread: (highlevel, to) => highlevel.readUnread(to, "conversation-1"),
  setUnread: (highlevel, to) => highlevel.setUnread(to, "conversation-1", 0),
  findMessage: (highlevel, to) => highlevel.findMessage(to, "message-1"),
  findEmail: (highlevel, to) => highlevel.findEmail(to, "email-1"),
  reportStatus: (highlevel, to) => highlevel.reportStatus(to, "message-1", { status: "delivered" }),
  reportEmailStatus: (highlevel, to) => highlevel.reportEmailStatus(to, "email-1", { status: "delivered" }),
  sendMessage: (highlevel, to) => highlevel.sendMessage(to, {}),
  uploadFile: (highlevel, to) => highlevel.uploadFile(to, "conversation-1", file),
};

test.each(Object.entries(calls))("%s asks the location's budget before each of its requests", async (_name, call) => {
  const order: string[] = [];
  const highlevel = createHighlevel({
    baseUrl: "https://highlevel.example.com",
    async callApi(): Promise<ApiAnswer> {
      order.push("request");
      return { status: 200, headers: {}, body: {} };
    },
    limit: { takePermit: async (locationId) => void order.push(locationId), heed: () => undefined },
  });
  await call(highlevel, access).catch(() => undefined);
  expect(order.length).toBeGreaterThan(0);
  expect(order).toEqual(
    Array(order.length / 2)
      .fill(["location-1", "request"])
      .flat(),
  );
});

test.each(Object.entries(calls))("%s makes no request where the budget is used up", async (_name, call) => {
  const highlevel = createHighlevel({
    baseUrl: "https://highlevel.example.com",
    callApi: () => expect.unreachable("it was called"),
    limit: { takePermit: () => Promise.reject(new Failure("own_limit", "used up")), heed: () => undefined },
  });
  await expect(call(highlevel, access)).rejects.toMatchObject({ reason: "own_limit" });
});
