import { describe, expect, test } from "vitest";
import { ParseError } from "../../src/errors.ts";
import { readMailHeaders } from "../../src/formats/mail-headers.ts";
import { addressesOf } from "../../src/formats/mailbox.ts";
import { parseMime } from "../../src/formats/mime.ts";
import { standardWebhooks } from "../../src/providers/kit/standard-webhooks.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";

/** Of the processor, so that others on the machine do not count. */
async function msOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

describe("what somebody sends to keep the bridge busy", () => {
  const head = "From: a@example.org\r\nTo: b@example.org\r\n";
  const parted = `${head}Content-Type: multipart/mixed; boundary=a\r\n\r\n`;
  test.each([
    ["empty lines", `${head}Content-Type: text/html\r\n\r\n${"\n".repeat(20_000_000)}`],
    ["parts without end", `${parted}${`--a\r\n\r\n${"x".repeat(80)}\r\n`.repeat(100_000)}`],
    ["folded headers", `${head}Subject: x${"\r\n x".repeat(3_000_000)}\r\n\r\nx`],
  ])("an email of %s is refused at once, and does not fill the memory", async (_name, raw) => {
    const ms = await msOf(() => expect(parseMime(Buffer.from(raw))).rejects.toBeInstanceOf(ParseError));
    expect(ms).toBeLessThan(500);
  });

  test("an email within others within others is read no deeper than two", async () => {
    const nested = `Content-Type: message/rfc822\r\n\r\n${head}`.repeat(500);
    expect(await msOf(() => parseMime(`${head}${nested}\r\n\r\nx`).catch(() => {}))).toBeLessThan(500);
  });

  test("a large email that a person could have sent is read", async () => {
    const file = `${"A".repeat(76)}\r\n`.repeat(200_000);
    const part = "--a\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n";
    const text = `--a\r\nContent-Type: text/plain\r\n\r\n${"a line of a long mail\r\n".repeat(5000)}`;
    const mail = await parseMime(`${parted}${text}${part}Content-Transfer-Encoding: base64\r\n\r\n${file}--a--\r\n`);
    expect(mail.attachments).toMatchObject([{ name: "a.pdf", sizeBytes: 11_400_000 }]);
    expect(mail.text?.split("\n").length).toBeGreaterThan(4999);
  });

  test("thousands of signatures cost one hash of the body", async () => {
    const verify = standardWebhooks((given: string) => given);
    const { secret } = genericSms.credentials as { secret: string };
    const at = new Date();
    const body = Buffer.alloc(1_000_000, "x");
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": "v1,x ".repeat(3000),
    };
    const request = { url: "https://bridge.example.com/webhooks/1", headers, body, receivedAt: at };
    expect(await msOf(() => expect(verify(request, secret, () => expect.unreachable())).toBe(false))).toBeLessThan(100);
  });

  test("address headers and return paths are read in a time that grows with their length alone", async () => {
    expect(await msOf(() => addressesOf("a:".repeat(500_000)))).toBeLessThan(300);
    const headers = [{ name: "return-path", value: `${" ".repeat(500_000)}x` }];
    expect(await msOf(() => readMailHeaders(headers))).toBeLessThan(300);
  });

  test("some hundred mailboxes are all kept", () => {
    const many = Array.from({ length: 400 }, (_, index) => `Person ${index} <person${index}@example.org>`);
    expect(addressesOf(many.join(", "))).toHaveLength(400);
  });
});

test("an email of many lines is read a piece at a time: everything else goes on meanwhile", async () => {
  const raw = Buffer.from(`From: a@example.org\r\n\r\n${"a line\n".repeat(150_000)}`);
  let turns = 0;
  const counting = setInterval(() => turns++, 1);
  const mail = await parseMime(raw);
  clearInterval(counting);
  expect(mail.text?.length).toBeGreaterThan(1_049_999);
  expect(turns).toBeGreaterThan(5);
});
