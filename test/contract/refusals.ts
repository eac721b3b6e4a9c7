import type { Stage } from "./client-calls.ts";
import type { RawRequest } from "./sandbox-calls.ts";

const upload = "/conversations/messages/upload";
const inbound = "/conversations/messages/inbound";
const small = Buffer.from("x");

/** A refusal of each kind that the sandbox knows, by what is wrong. */
export const refusedRequests: Record<string, (stage: Stage) => RawRequest & { status: number }> = {
  "no token": () => ({ status: 401, path: "/conversations/search?locationId=loc", headers: { authorization: "" } }),
  "no version": () => ({ status: 401, path: "/conversations/search?locationId=loc", headers: { version: "" } }),
  "another location": () => ({ status: 403, path: "/conversations/search?locationId=other" }),
  "a post of an unknown type": ({ contactId }) => ({
    ...{ status: 422, method: "POST", path: inbound, json: { type: "Fax", contactId, message: "x" } },
  }),
  "a post by a provider of another app": ({ contactId }) => ({
    ...{ status: 400, method: "POST", path: inbound },
    json: { type: "Custom", conversationProviderId: "nobody's", contactId, message: "x" },
  }),
  "a post by a type that does not suit the provider": ({ contactId }) => ({
    ...{ status: 400, method: "POST", path: inbound },
    json: { type: "SMS", conversationProviderId: "extra-sms", contactId, message: "x" },
  }),
  "a post without content": ({ contactId }) => ({
    ...{ status: 422, method: "POST", path: inbound, json: { type: "SMS", contactId } },
  }),
  "a post to nobody": () => ({
    ...{ status: 400, method: "POST", path: inbound, json: { type: "SMS", contactId: "nobody", message: "x" } },
  }),
  "a post of an email to no address": ({ contactId }) => ({
    ...{ status: 500, method: "POST", path: inbound, json: { type: "Email", contactId, html: "x" } },
  }),
  "a send of an unknown type": ({ contactId }) => ({
    ...{ status: 422, method: "POST", path: "/conversations/messages", json: { type: "Fax", contactId } },
  }),
  "a send to nobody": () => ({
    ...{ status: 400, method: "POST", path: "/conversations/messages" },
    json: { type: "SMS", contactId: "nobody", message: "x" },
  }),
  "a contact without an address": () => ({
    ...{ status: 422, method: "POST", path: "/contacts/upsert", json: { locationId: "loc", name: "A" } },
  }),
  "a contact that is not there": () => ({ status: 400, path: "/contacts/nobody" }),
  "a conversation that is there": ({ contactId }) => ({
    ...{ status: 400, method: "POST", path: "/conversations/", json: { locationId: "loc", contactId } },
  }),
  "a conversation that is not there": () => ({ status: 400, path: "/conversations/nothing" }),
  "the messages of a conversation that is not there": () => ({
    status: 400,
    path: "/conversations/nothing/messages",
  }),
  "a message that is not there": () => ({ status: 400, path: "/conversations/messages/nothing" }),
  "an email that is not there": () => ({ status: 400, path: "/conversations/messages/email/nothing" }),
  "an unknown status": ({ textId }) => ({
    ...{ status: 422, method: "PUT", path: `/conversations/messages/${textId}/status`, json: { status: "sent" } },
  }),
  "the status of nothing": () => ({
    ...{ status: 401, method: "PUT", path: "/conversations/messages/nothing/status", json: { status: "read" } },
  }),
  "an unknown status of an email": ({ emailId }) => ({
    ...{ status: 422, method: "PUT", path: `/conversations/messages/email/${emailId}/status` },
    ...{ headers: { version: "v3" }, json: { status: "seen" } },
  }),
  "an upload without a file": ({ conversationId }) => ({
    ...{ status: 400, method: "POST", path: upload, form: { locationId: "loc", conversationId } },
  }),
  "an upload of a type that is not taken": ({ conversationId }) => ({
    ...{ status: 415, method: "POST", path: upload, form: { locationId: "loc", conversationId } },
    file: { field: "fileAttachment", name: "a.exe", content: small },
  }),
  "an upload of more than 5 MB": ({ conversationId }) => ({
    ...{ status: 413, method: "POST", path: upload, form: { locationId: "loc", conversationId } },
    file: { field: "fileAttachment", name: "a.png", content: Buffer.alloc(5_000_001) },
  }),
  "a post of type Custom without a provider, which is not stored": ({ contactId }) => ({
    ...{ status: 201, method: "POST", path: inbound, json: { type: "Custom", contactId, message: "x" } },
  }),
  "a post with a private token by a conversation provider": ({ sandbox }) => {
    sandbox.putLocation({ id: "pit", token: "pit-1", providers: [{ id: "own", channel: "sms", extra: true }] });
    const { id: contactId } = sandbox.addContact({ locationId: "pit", phone: "+15005550006" });
    const json = { type: "Custom", conversationProviderId: "own", contactId, message: "x" };
    return { status: 400, method: "POST", path: inbound, headers: { authorization: "Bearer pit-1" }, json };
  },
  "a post of a text to somebody without a number": ({ sandbox }) => {
    const { id: contactId } = sandbox.addContact({ locationId: "loc", email: "only@example.org" });
    return { status: 422, method: "POST", path: inbound, json: { type: "SMS", contactId, message: "x" } };
  },
  "a post of an email to somebody without an address": ({ sandbox }) => {
    const { id: contactId } = sandbox.addContact({ locationId: "loc", phone: "+15005550005" });
    return {
      status: 422,
      method: "POST",
      path: inbound,
      json: { type: "Email", contactId, html: "x", emailTo: "a@b.c" },
    };
  },
  "a record of an email to somebody else": ({ contactId }) => ({
    ...{ status: 400, method: "POST", path: inbound },
    json: { type: "Email", contactId, html: "x", emailTo: "else@example.org", direction: "outbound" },
  }),
  "an email under one that is not there": ({ contactId }) => ({
    ...{ status: 400, method: "POST", path: inbound },
    json: { type: "Email", contactId, html: "x", emailTo: "us@example.com", direction: "inbound", emailMessageId: "x" },
  }),
  "a file whose URL has a query, by a setting": ({ sandbox, contactId }) => {
    sandbox.setSettings({ takesUrlsWithQuery: false });
    const json = { type: "SMS", contactId, attachments: ["https://files.example/a.png?x=1"] };
    return { status: 422, method: "POST", path: inbound, json };
  },
  "a send without content": ({ contactId }) => ({
    ...{ status: 422, method: "POST", path: "/conversations/messages", json: { type: "SMS", contactId } },
  }),
  "the status of a message by no conversation provider": ({ sandbox, contactId }) => {
    const { messageId } = sandbox.sendAsAgent(contactId, { providerId: "default-sms", message: "x" });
    const sent = sandbox.messages().find((each) => each.messageId === messageId);
    if (sent) delete sent.conversationProviderId;
    const path = `/conversations/messages/${messageId}/status`;
    return { status: 403, method: "PUT", path, json: { status: "read" } };
  },
  "the status of an email by no conversation provider": ({ sandbox, emailId }) => {
    const sent = sandbox.messages().find((each) => each.emailMessageId === emailId);
    if (sent) delete sent.conversationProviderId;
    const path = `/conversations/messages/email/${emailId}/status`;
    return { status: 403, method: "PUT", path, headers: { version: "v3" }, json: { status: "read" } };
  },
  "an email's status of somebody who did not get it": ({ emailId }) => ({
    ...{
      status: 400,
      method: "PUT",
      path: `/conversations/messages/email/${emailId}/status`,
      headers: { version: "v3" },
    },
    json: { status: "read", recipients: [{ emailId: "else@example.org", status: "read" }] },
  }),
  "an upload to a conversation that is not there": () => ({
    ...{ status: 500, method: "POST", path: upload, form: { locationId: "loc", conversationId: "nothing" } },
    file: { field: "fileAttachment", name: "a.png", content: small },
  }),
  "a location's token by a location's": () => ({
    ...{ status: 401, method: "POST", path: "/oauth/locationToken", form: { companyId: "agency", locationId: "loc" } },
  }),
  "a field that is not declared": ({ contactId }) => ({
    ...{
      status: 422,
      method: "POST",
      path: inbound,
      json: { type: "SMS", contactId, message: "x", replyToAltId: "y" },
    },
  }),
  "a query that is not declared": () => ({ status: 422, path: "/conversations/search?locationId=loc&page=2" }),
  "a page of the export that is too small": () => ({
    ...{ status: 422, path: "/conversations/messages/export?locationId=loc&limit=1" },
  }),
  "a channel that has no providers": () => ({
    ...{ status: 422, path: "/locations/loc/conversationChannels/Fax", headers: { version: "v3" } },
  }),
  "a call of somebody else": ({ contactId }) => ({
    ...{ status: 400, method: "POST", path: inbound },
    json: { type: "Call", conversationProviderId: "calls", contactId, call: { from: "+15005550099" } },
  }),
  "a call by another provider": ({ contactId }) => ({
    ...{ status: 400, method: "POST", path: inbound },
    json: { type: "Call", conversationProviderId: "extra-sms", contactId, call: { from: "+15005550006" } },
  }),
  "a call that went out to a conversation that is not there": () => ({
    ...{ status: 400, method: "POST", path: "/conversations/messages/outbound" },
    json: { type: "Call", conversationProviderId: "calls", conversationId: "nothing", call: { to: "+15005550006" } },
  }),
  "a grant that is not there": () => ({
    ...{ status: 400, method: "POST", path: "/oauth/token" },
    form: { client_id: "app", client_secret: "secret", grant_type: "authorization_code", code: "x" },
  }),
  "another client": () => ({
    ...{ status: 401, method: "POST", path: "/oauth/token" },
    form: { client_id: "app", client_secret: "wrong", grant_type: "refresh_token", refresh_token: "x" },
  }),
  "no client": () => ({ status: 422, method: "POST", path: "/oauth/token", form: { grant_type: "refresh_token" } }),
};
