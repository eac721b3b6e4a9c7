import { describe, expect, test } from "vitest";
import { type Accepted, faultless, judge, personNumber } from "./load.ts";

/** A message as HighLevel should have it. */
const there = (id: string, change: Partial<Accepted> = {}): Accepted => {
  const [provider, person] = id.split("-");
  const address = provider === "mailgun" ? `person${person}@example.org` : personNumber(Number(person));
  return { altId: id, address, text: `${id} <p>${id}</p>`, ...change };
};
const all = ["twilio-1-1", "twilio-1-2", "twilio-1-3", "mailgun-1-1"];
const sent = new Set(all);
const verdictOn = (accepted: Accepted[], acknowledged = sent) => judge(acknowledged, sent, accepted);

describe("the judge of a run", () => {
  test("finds nothing wrong with everything once and in order, whoever comes between", () => {
    expect(verdictOn(all.map((id) => there(id)))).toEqual(faultless);
    expect(verdictOn(["twilio-1-1", "mailgun-1-1", "twilio-1-2", "twilio-1-3"].map((id) => there(id)))).toEqual(
      faultless,
    );
  });

  test("sees what is missing, but only of what was acknowledged", () => {
    const accepted = all.filter((id) => id !== "twilio-1-2").map((id) => there(id));
    expect(verdictOn(accepted)).toEqual({ ...faultless, missing: ["twilio-1-2"] });
    expect(verdictOn(accepted, new Set(["twilio-1-1"]))).toEqual(faultless);
  });

  test.each([
    ["right behind", ["twilio-1-1", "twilio-1-2", "twilio-1-2", "twilio-1-3", "mailgun-1-1"], ["twilio-1-2"]],
    ["much later", ["twilio-1-1", "twilio-1-2", "twilio-1-3", "mailgun-1-1", "twilio-1-1"], ["twilio-1-1"]],
    ["at the end of the line", [...all, "mailgun-1-1"], ["mailgun-1-1"]],
    ["three times", [...all, "mailgun-1-1", "mailgun-1-1"], ["mailgun-1-1", "mailgun-1-1"]],
    ["a whole run again", [...all, ...all], all],
  ])("sees what is doubled, %s, and does not take it for disorder", (_where, ids, doubled) => {
    expect(verdictOn(ids.map((id) => there(id)))).toEqual({ ...faultless, doubled });
  });

  test.each([
    ["two that changed places", ["twilio-1-1", "twilio-1-3", "twilio-1-2", "mailgun-1-1"], ["twilio-1-2"]],
    ["one that came last", ["twilio-1-2", "twilio-1-3", "mailgun-1-1", "twilio-1-1"], ["twilio-1-1"]],
    ["all the other way round", all.toReversed(), ["twilio-1-2", "twilio-1-1"]],
  ])("sees what is out of order: %s", (_what, ids, outOfOrder) => {
    expect(verdictOn(ids.map((id) => there(id)))).toEqual({ ...faultless, outOfOrder });
  });

  test("sees disorder that repeats hide: what passed another is not excused by coming again", () => {
    const ids = ["twilio-1-1", "twilio-1-3", "twilio-1-2", "twilio-1-3", "mailgun-1-1"];
    expect(verdictOn(ids.map((id) => there(id)))).toEqual({
      ...faultless,
      outOfOrder: ["twilio-1-2"],
      doubled: ["twilio-1-3"],
    });
  });

  test("sees what nobody sent, also without an altId", () => {
    const accepted = [...all.map((id) => there(id)), there("twilio-9-1"), there("twilio-1-1", { altId: undefined })];
    expect(verdictOn(accepted)).toEqual({
      ...faultless,
      invented: ["twilio-9-1", "without altId: twilio-1-1 <p>twilio-1-1</p>"],
    });
  });

  test("sees what stands in somebody else's conversation, or says what somebody else wrote", () => {
    const elsewhere = all.map((id) => there(id, id === "twilio-1-2" ? { address: personNumber(2) } : {}));
    expect(verdictOn(elsewhere)).toEqual({ ...faultless, misplaced: ["twilio-1-2"] });
    const mixedUp = all.map((id) => there(id, id === "twilio-1-2" ? { text: "twilio-1-22" } : {}));
    expect(verdictOn(mixedUp)).toEqual({ ...faultless, misplaced: ["twilio-1-2"] });
  });
});
