import { describe, expect, test } from "vitest";
import { type ConsentCause, consentCauses } from "../../../src/model.ts";
import { applyConsent, type KnownOptOut } from "../../../src/registry/opt-outs/apply-consent.ts";

const stop = (cause: ConsentCause) => ({ change: "stop" as const, cause });
const start = (cause: ConsentCause) => ({ change: "start" as const, cause });
const stands = (cause: ConsentCause): KnownOptOut => ({ cause, detail: null, messageId: null, liftedBy: null });
const lifted = (cause: ConsentCause, by: ConsentCause): KnownOptOut => ({ ...stands(cause), liftedBy: by });

test.each(consentCauses)("who wanted no more by %s is not written to", (cause) => {
  expect(applyConsent(undefined, stop(cause))).toEqual(stands(cause));
  expect(applyConsent(lifted("word", "word"), stop(cause))).toEqual(stands(cause));
});

test("a START of somebody who has not opted out says nothing", () => {
  expect(applyConsent(undefined, start("word"))).toBeUndefined();
  const known = lifted("word", "word");
  expect(applyConsent(known, start("word"))).toBe(known);
});

test("the strongest reason is kept, and a repeated one is no news", () => {
  const known = stands("word");
  for (const weaker of ["highlevel", "bounce", "refusal", "complaint", "word"] as const)
    expect(applyConsent(known, stop(weaker))).toBe(known);
  expect(applyConsent(known, stop("operator"))).toEqual(stands("operator"));
  expect(applyConsent(stands("highlevel"), stop("word"))).toEqual(stands("word"));
});

test("of an operator's notes the latest is kept, and one that is left out changes nothing", () => {
  const known = { ...stands("operator"), detail: "asked by phone" };
  expect(applyConsent(known, { ...stop("operator"), detail: "asked by letter" })?.detail).toBe("asked by letter");
  expect(applyConsent(known, stop("operator"))).toBe(known);
  expect(applyConsent(known, { ...stop("import"), detail: "an old list" })).toBe(known);
});

describe("it ends", () => {
  const said = ["refusal", "unsubscribe", "complaint", "provider", "word"] as const;

  test.each(said)("by a START where the person had said it by %s", (cause) => {
    expect(applyConsent(stands(cause), start("word"))).toEqual(lifted(cause, "word"));
    expect(applyConsent(stands(cause), start("provider"))).toEqual(lifted(cause, "provider"));
  });

  test.each(["operator", "import", "highlevel", "bounce"] as const)("not by a START where it stands by %s", (cause) => {
    const known = stands(cause);
    expect(applyConsent(known, start("word"))).toBe(known);
  });

  test("in HighLevel where it was set there, and not where the person had said it", () => {
    expect(applyConsent(stands("highlevel"), start("highlevel"))).toEqual(lifted("highlevel", "highlevel"));
    const known = stands("word");
    expect(applyConsent(known, start("highlevel"))).toBe(known);
  });

  test("in HighLevel for everything where it was set for everything, and not where it was set for texts", () => {
    const news = { ...start("highlevel"), onlyOf: "for everything" };
    const known = { ...stands("highlevel"), detail: "for everything" };
    expect(applyConsent(known, news)).toEqual({ ...known, liftedBy: "highlevel" });
    const other = { ...stands("highlevel"), detail: "asked by phone" };
    expect(applyConsent(other, news)).toBe(other);
  });

  test.each(consentCauses)("by an operator where it stands by %s", (cause) => {
    expect(applyConsent(stands(cause), start("operator"))).toEqual(lifted(cause, "operator"));
  });
});
