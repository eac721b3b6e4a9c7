import { describe, expect, test } from "vitest";
import { parseMessageIds } from "../../src/formats/mail-headers.ts";
import { parseMailboxes } from "../../src/formats/mailbox.ts";
import { formatMailbox, outgoingHeaders, requireContent } from "../../src/formats/outgoing-mail.ts";
import type { OutboundMessage } from "../../src/model.ts";

const message: OutboundMessage = {
  ...{ reference: "42", from: "support@example.com", to: "ann@example.org", cc: [], bcc: [], attachments: [] },
  ...{ references: [], receiptUrl: "https://bridge.example.com/webhooks/1" },
};

describe("a sender's name", () => {
  test.each([
    ["Support", '"Support" <a@x.example>'],
    [undefined, "a@x.example"],
    [" \r\n ", "a@x.example"],
    ["Doe, Jane", '"Doe, Jane" <a@x.example>'],
    ['"Jo" \\', '"\\"Jo\\" \\\\" <a@x.example>'],
    ["Bcc:\r\nBcc: eve@x.example", '"Bcc: Bcc: eve@x.example" <a@x.example>'],
  ])("%j", (name, header) => expect(formatMailbox("a@x.example", name)).toBe(header));

  test("is read as it was given, and as nobody's address", () => {
    for (const name of ["Jörg (Sales)", 'eve@x.example>, "', "a;b:c,d", "😀"])
      expect(parseMailboxes(formatMailbox("a@x.example", name))).toEqual([{ address: "a@x.example", name }]);
  });
});

describe("a thread's headers", () => {
  const referencesOf = (references: string[]) =>
    outgoingHeaders({ ...message, references }).find(({ name }) => name === "References")?.value;

  test("are left out where there is nothing to say", () => expect(outgoingHeaders(message)).toEqual([]));

  test("keep of a long thread its first mail and the latest", () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `${index}@x.example`);
    const header = referencesOf(ids) ?? "";
    expect(header.length).toBeGreaterThan(780);
    expect(header.length).toBeLessThanOrEqual(800);
    const [first, ...latest] = parseMessageIds(header);
    expect([first, ...latest]).toEqual(["0@x.example", ...ids.slice(-latest.length)]);
    expect(parseMessageIds(referencesOf(ids.slice(0, 40)))).toEqual(ids.slice(0, 40));
  });

  test("name no mail whose id fills a header alone", () => {
    const long = `${"a".repeat(900)}@x.example`;
    expect(referencesOf([long, "1@x.example"])).toBe("<1@x.example>");
    expect(outgoingHeaders({ ...message, inReplyTo: long, references: [long] })).toEqual([]);
  });
});

test("a file that was not fetched is not sent as an empty one", () => {
  const file = { url: "https://files.example.com/1", name: "a.pdf", contentType: "application/pdf" };
  expect(() => requireContent(file)).toThrow("a.pdf");
  expect(requireContent({ ...file, content: Buffer.alloc(0) })).toHaveLength(0);
});
