import { describe, expect, test } from "vitest";
import type { Highlevel } from "../../../src/highlevel/client.ts";
import type { Email, ListedMessage } from "../../../src/highlevel/schemas.ts";
import type { Channel } from "../../../src/model.ts";
import { findPosted } from "../../../src/outbox/posted/find-posted.ts";

const access = { locationId: "loc", token: "t" };
const sentAt = new Date("2026-11-21T10:00:00Z");
const later = "2026-11-21T10:05:00.000Z";
const earlier = "2026-11-21T09:55:00.000Z";
const message = {
  direction: "inbound" as const,
  providerMessageId: "m-1",
  sentAt,
  receivedAt: new Date("2026-11-21T10:00:02Z"),
  content: {
    to: [],
    cc: [],
    bcc: [],
    subject: undefined,
    text: "hello",
    html: undefined,
    attachments: [],
    inReplyTo: [],
    references: [],
  },
};

const text = (fields: Partial<ListedMessage>): ListedMessage => ({
  id: "x",
  altId: undefined,
  conversationId: "c",
  contactId: "p",
  direction: "inbound",
  body: "another",
  dateAdded: later,
  ...fields,
});
const thread = (...messageIds: string[]): ListedMessage =>
  text({ id: `thread-${messageIds[0]}`, body: undefined, meta: { email: { messageIds } } });

/** HighLevel with these pages of a conversation and these emails; `calls` counts what was asked. */
function highlevelWith(pages: ListedMessage[][], emails: Record<string, Partial<Email>> = {}) {
  const calls = { lists: 0, emails: 0 };
  const highlevel = {
    listMessages: async () => {
      const messages = pages[calls.lists++] ?? [];
      return { messages, lastMessageId: messages.at(-1)?.id, nextPage: calls.lists < pages.length };
    },
    findEmail: async (_access: unknown, id: string) => {
      calls.emails++;
      return { id, direction: "inbound", altId: undefined, cc: [], bcc: [], ...emails[id] };
    },
  } as unknown as Highlevel;
  return { highlevel, calls };
}

const find = (highlevel: Highlevel, channel: Channel = "sms") =>
  findPosted(highlevel, access, { conversationId: "c", channel }, message);

describe("a text that HighLevel may have taken", () => {
  test("is found by its altId, on whatever page", async () => {
    const { highlevel } = highlevelWith([[text({ altId: "m-2" })], [text({ id: "y", altId: "m-1", body: "changed" })]]);
    expect(await find(highlevel)).toEqual({
      outcome: "found",
      answer: { messageId: "y", emailMessageId: undefined },
    });
  });

  test("is found by direction, time and text where the list gives no altId", async () => {
    const same = { body: "hello", dateAdded: "2026-11-21T10:00:00.500Z" };
    expect(await find(highlevelWith([[text(same)]]).highlevel)).toMatchObject({ outcome: "found" });
    for (const other of [{ direction: "outbound" }, { body: "hello!" }, { dateAdded: later }]) {
      expect(await find(highlevelWith([[text({ ...same, ...other })]]).highlevel)).not.toMatchObject({
        outcome: "found",
      });
    }
  });

  test("is not there when the list names others by their altId, or shows none that could be it", async () => {
    expect(await find(highlevelWith([[text({ altId: "m-2" }), text({})]]).highlevel)).toEqual({ outcome: "not there" });
    expect(await find(highlevelWith([[text({ direction: "outbound" })]]).highlevel)).toEqual({ outcome: "not there" });
    expect(await find(highlevelWith([[]]).highlevel)).toEqual({ outcome: "not there" });
  });

  test("is not there, and nothing more is read, once a whole page is older", async () => {
    const old = Array.from({ length: 100 }, () => text({ altId: "m-2", dateAdded: earlier }));
    const { highlevel, calls } = highlevelWith([old, old, old, old, old, old, old]);
    expect(await find(highlevel)).toEqual({ outcome: "not there" });
    expect(calls.lists).toBe(1);
  });

  test("nobody can tell of when no message is shown with an altId", async () => {
    expect(await find(highlevelWith([[text({})]]).highlevel)).toMatchObject({
      outcome: "cannot tell",
      why: expect.stringContaining("altId"),
    });
  });

  test("nobody can tell of when it would lie too far back", async () => {
    const newer = Array.from({ length: 100 }, () => text({ altId: "m-2" }));
    const { highlevel, calls } = highlevelWith([newer, newer, newer, newer, newer, newer]);
    expect(await find(highlevel)).toMatchObject({ outcome: "cannot tell", why: expect.stringContaining("500") });
    expect(calls.lists).toBe(5);
  });

  test("costs no look into emails", async () => {
    const { highlevel, calls } = highlevelWith([[thread("e1", "e2"), text({ altId: "m-1" })]]);
    expect(await find(highlevel)).toMatchObject({ outcome: "found" });
    expect(calls.emails).toBe(0);
  });
});

describe("an email that HighLevel may have taken", () => {
  test("is found within its thread", async () => {
    const { highlevel } = highlevelWith([[thread("e1", "e2"), thread("e3")]], { e1: { altId: "m-1" } });
    expect(await find(highlevel, "email")).toEqual({
      outcome: "found",
      answer: { messageId: "thread-e1", emailMessageId: "e1" },
    });
  });

  test("is not there when others are named by their altId, though they are old: an old thread may hold a new email", async () => {
    const old = { ...thread("e1"), dateAdded: earlier };
    const { highlevel, calls } = highlevelWith([[old], [old]], { e1: { altId: "m-0" } });
    expect(await find(highlevel, "email")).toEqual({ outcome: "not there" });
    expect(calls.lists).toBe(2);
  });

  test("nobody can tell of when no email of its direction is shown with an altId", async () => {
    const ours = highlevelWith([[thread("e1")]], { e1: { direction: "outbound" } });
    expect(await find(ours.highlevel, "email")).toEqual({ outcome: "not there" });
    expect(await find(highlevelWith([[thread("e1")]]).highlevel, "email")).toMatchObject({ outcome: "cannot tell" });
  });

  test("nobody can tell of when there are more emails than are read", async () => {
    const ids = Array.from({ length: 51 }, (_, index) => `e${index}`);
    const emails = Object.fromEntries(ids.map((id) => [id, { altId: `other-${id}` }]));
    const { highlevel, calls } = highlevelWith([[thread(...ids)]], emails);
    expect(await find(highlevel, "email")).toMatchObject({
      outcome: "cannot tell",
      why: expect.stringContaining("50"),
    });
    expect(calls.emails).toBe(50);
  });
});
