import { expect, test } from "vitest";
import { countAside, whyAside } from "../../src/messages/set-aside.ts";

const mapping = { postAutomatic: false, postLists: "people", unknownSender: "hold" } as const;
const stranger = { highlevelContactId: null, highlevelConversationId: null };
const known = { ...stranger, highlevelContactId: "c" };

test("says why a message that was taken in does not go to HighLevel", () => {
  expect(whyAside(mapping, stranger, null)).toBe("held");
  expect(whyAside(mapping, known, null)).toBeUndefined();
  expect(whyAside(mapping, stranger, "bounce")).toBe("bounce");
  expect(whyAside({ ...mapping, postAutomatic: true }, known, "bounce")).toBeUndefined();
});

test("counts each of them once, and what is not there not at all", () => {
  expect(countAside(["held", undefined, "bounce", "held", "auto_reply", "bounce"])).toEqual({
    held: 2,
    kept: { bounce: 2, auto_reply: 1 },
  });
  expect(countAside([undefined])).toEqual({});
});
