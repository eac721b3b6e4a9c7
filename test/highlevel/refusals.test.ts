import { describe, expect, test } from "vitest";
import { Failure } from "../../src/errors.ts";
import { goneThing, isAboutFiles } from "../../src/highlevel/refusals.ts";

const refused = (status: number, answer: unknown) => new Failure("rejected", "refused", { status, answer });

describe("people whose contact or conversation is gone are found anew, however HighLevel says it", () => {
  test.each([
    [404, { message: "contact_not_found" }, "contact"],
    [400, { message: "Bad Request", error: "ContactNotFound" }, "contact"],
    [400, { message: "The contact id is invalid" }, "contact"],
    [400, { message: "Cannot find contact" }, "contact"],
    [400, { message: "Contact was removed" }, "contact"],
    [422, { message: ["conversationId is not valid"] }, "conversation"],
    [400, { message: "conversationProvider not found" }, undefined],
    [400, { message: "Contact has DND enabled" }, undefined],
    [422, { message: "contact email is invalid" }, undefined],
  ])("%s %j", (status, answer, thing) => expect(goneThing(refused(status, answer))).toBe(thing));
});

test.each(["The link is not valid", "image could not be fetched", "Mime type not allowed"])(
  "a text is not lost for a file of which HighLevel says: %s",
  (message) => expect(isAboutFiles(refused(422, { message }))).toBe(true),
);
