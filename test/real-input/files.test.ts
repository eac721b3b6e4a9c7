import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textProviders } from "../support/providers.ts";
import { type RealInput, startRealInput } from "../support/real-input.ts";

let real: RealInput;
beforeAll(async () => {
  real = await startRealInput();
});
afterAll(() => real.stop());

describe("a file goes out whatever it is called", () => {
  test.each(textProviders.map(({ name }) => name))("by %s", async (name) => {
    const by = real.way(name);
    const { id } = real.addContact({ phone: "+15005550501" });
    const at = "https://files.example.com/acme";
    const attachments = [`${at}/Offer June für Ann.pdf`, `${at}/My%20photo%20(1).jpg?sig=a%2Bb`];
    real.write(by, id, `Files by ${name}`, { attachments });
    const { media, text } = await real.sent(by, `Files by ${name}`);
    // Where a provider takes one file a message, the others follow the words as links.
    const given = [...media, ...(text ?? "").split("\n").filter((line) => line.startsWith(at))];
    expect(given).toEqual([`${at}/Offer%20June%20f%C3%BCr%20Ann.pdf`, attachments[1]]);
  });
});

test("a person's file with a space in its name is handed to HighLevel as a URL", async () => {
  const url = "https://files.example.com/My photo.jpg";
  await real.receiveText({ id: "spaced", from: "+15005550502", attachments: [{ url }] });
  expect((await real.posted("spaced")).attachments).toEqual(["https://files.example.com/My%20photo.jpg"]);
});
