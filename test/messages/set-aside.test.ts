import { expect, test } from "vitest";
import { countAside, whyAside, whyHeld } from "../../src/messages/aside/set-aside.ts";
import type { AutomaticKind, Verdicts } from "../../src/model.ts";

const mapping = { postAutomatic: false, postLists: "people", unknownSender: "hold", dmarcFailures: "post" } as const;
const contentOf = (verdicts: Verdicts) => {
  return { verdicts, to: [], cc: [], bcc: [], attachments: [], inReplyTo: [], references: [] };
};
const by = (automatic: AutomaticKind | null) => ({ automatic, direction: "inbound" as const, content: contentOf({}) });
const stranger = { highlevelContactId: null, highlevelConversationId: null };
const known = { ...stranger, highlevelContactId: "c" };

test("says why a message that was taken in does not go to HighLevel", () => {
  expect(whyAside(mapping, stranger, by(null))).toBe("held");
  expect(whyAside(mapping, known, by(null))).toBeUndefined();
  expect(whyAside(mapping, stranger, by("bounce"))).toBe("bounce");
  expect(whyAside({ ...mapping, postAutomatic: true }, known, by("bounce"))).toBeUndefined();
});

test("what fails DMARC is held where the mapping says so, before anybody asks whose it is", () => {
  const holding = { ...mapping, dmarcFailures: "hold" } as const;
  const of = (dmarc: string | undefined, more = {}) => ({ ...by(null), content: contentOf({ dmarc }), ...more });
  expect(whyHeld(holding, known, of("fail"))?.reason).toBe("failed_dmarc");
  expect(whyHeld(holding, stranger, of("fail"))?.reason).toBe("failed_dmarc");
  expect(whyHeld(holding, stranger, of("pass"))?.reason).toBe("unknown_sender");
  for (const word of ["pass", "none", "temperror", undefined])
    expect(whyHeld(holding, known, of(word))).toBeUndefined();
  expect(whyHeld(holding, known, of("fail", { direction: "outbound" })), "what the business sent").toBeUndefined();
  expect(whyHeld({ ...mapping, dmarcFailures: "mark" }, known, of("fail"))).toBeUndefined();
  expect(whyAside(holding, known, { ...of("fail"), automatic: "bounce" }), "a machine's").toBe("bounce");
});

test("counts each of them once, and what is not there not at all", () => {
  expect(countAside(["held", undefined, "bounce", "held", "auto_reply", "bounce"])).toEqual({
    held: 2,
    kept: { bounce: 2, auto_reply: 1 },
  });
  expect(countAside([undefined])).toEqual({});
});
