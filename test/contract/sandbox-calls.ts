import type { Stage } from "./client-calls.ts";

/** A request as HighLevel publishes it, and where it is refused, the status. */
export interface RawRequest {
  status?: number;
  method?: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  headers?: Record<string, string>;
  json?: Record<string, unknown>;
  form?: Record<string, string>;
  file?: { field: string; name: string; content: Buffer };
}

const messages = "/conversations/messages";
const v3 = { version: "v3" };
const call = { from: "+15005550006", to: "+15005550000", status: "completed" };
const date = "2026-11-21T10:00:00.000Z";

/** What the client does not call, and the sandbox answers. */
export const sandboxCalls: Record<string, (stage: Stage) => RawRequest> = {
  "a text by its id": ({ textId }) => ({ path: `${messages}/${textId}` }),
  "a thread of emails by its id": ({ emailId }) => ({ path: `${messages}/${emailId}` }),
  "a conversation": ({ conversationId }) => ({ path: `/conversations/${conversationId}` }),
  "a location's conversations": () => ({ path: "/conversations/search?locationId=loc&sort=desc&limit=1" }),
  "messages of one type": ({ conversationId }) => ({
    path: `/conversations/${conversationId}/messages?type=TYPE_EMAIL&limit=5`,
  }),
  "a contact": ({ contactId }) => ({ path: `/contacts/${contactId}`, headers: { version: "2021-07-28" } }),
  "all messages of a location": () => ({ path: `${messages}/export?locationId=loc` }),
  "some messages of a location": ({ contactId }) => ({
    path: `${messages}/export?locationId=loc&contactId=${contactId}&channel=Email&limit=10&sortBy=updatedAt&sortOrder=asc`,
  }),
  "the providers of texts": () => ({ path: "/locations/loc/conversationChannels/SMS", headers: v3 }),
  "the providers of emails": () => ({ path: "/locations/loc/conversationChannels/Email", headers: v3 }),
  "a call that came in": ({ contactId, conversationId }) => ({
    ...{ method: "POST", path: `${messages}/inbound` },
    json: {
      ...{ type: "Call", conversationProviderId: "calls", contactId, conversationId, altId: "call-1", date, call },
      ...{ direction: "inbound", attachments: ["https://files.example/a.mp3"] },
    },
  }),
  "a call that went out": ({ conversationId }) => ({
    ...{ method: "POST", path: `${messages}/outbound` },
    json: {
      ...{ type: "Call", conversationProviderId: "calls", conversationId, altId: "call-2", date },
      call: { ...call, from: call.to, to: call.from },
    },
  }),
  "a contact with all that there is of it": () => ({
    ...{ method: "POST", path: "/contacts/upsert", headers: { version: "2021-07-28" } },
    json: {
      ...{
        locationId: "loc",
        phone: "+15005550003",
        email: "c@example.org",
        firstName: "C",
        lastName: "D",
        name: "C D",
      },
      ...{
        address1: "1 Street",
        city: "Town",
        state: "TX",
        postalCode: "1",
        country: "US",
        website: "https://c.example",
      },
      ...{
        timezone: "UTC",
        companyName: "C",
        dateOfBirth: {},
        gender: "x",
        source: "s",
        assignedTo: "user",
        tags: ["a"],
      },
      ...{ dnd: false, dndSettings: { SMS: { status: "active", message: "m", code: "c" } } },
      ...{ inboundDndSettings: { all: { status: "active", message: "m" } }, createNewIfDuplicateAllowed: false },
      customFields: [{ id: "f", key: "k", field_value: "v" }],
    },
  }),
};

/** A message of each type that HighLevel sends. */
export function sendOf(type: string): (stage: Stage) => RawRequest {
  return ({ contactId }) => ({
    ...{ method: "POST", path: messages },
    json: { type, subType: {}, status: "pending", contactId, templateId: "template" },
  });
}
