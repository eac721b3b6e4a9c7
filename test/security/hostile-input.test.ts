import { monitorEventLoopDelay } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import { ParseError } from "../../src/errors.ts";
import { readMailHeaders } from "../../src/formats/mail-headers.ts";
import { addressesOf } from "../../src/formats/mailbox.ts";
import { parseMime } from "../../src/formats/mime.ts";
import { standardWebhooks } from "../../src/providers/kit/standard-webhooks.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { expectSwift, slownessNow } from "../fuzz/slowness.ts";

describe("what somebody sends to keep the bridge busy", () => {
  const head = "From: a@example.org\r\nTo: b@example.org\r\n";
  const parted = `${head}Content-Type: multipart/mixed; boundary=a\r\n\r\n`;
  test.each([
    ["parts without end", `${parted}${`--a\r\n\r\n${"x".repeat(80)}\r\n`.repeat(100_000)}`],
    ["folded headers", `${head}Subject: x${"\r\n x".repeat(3_000_000)}\r\n\r\nx`],
  ])("an email of %s is refused at once, and does not fill the memory", async (name, raw) => {
    await expectSwift(
      () => expect(parseMime(Buffer.from(raw))).rejects.toBeInstanceOf(ParseError),
      () => name,
      500,
    );
  });

  test("an email of empty lines is a file, and is read at once", async () => {
    const raw = `${head}Content-Type: text/html\r\n\r\n${"\n".repeat(20_000_000)}`;
    const mail = await expectSwift(
      () => parseMime(Buffer.from(raw)),
      () => "empty lines",
      500,
    );
    expect(mail.text).toContain("too long to be shown");
    expect(mail.attachments).toMatchObject([{ contentType: "text/html", sizeBytes: 20_000_000 }]);
  });

  test("an email within others within others is read no deeper than two", async () => {
    const nested = `Content-Type: message/rfc822\r\n\r\n${head}`.repeat(500);
    await expectSwift(
      () => parseMime(`${head}${nested}\r\n\r\nx`).catch(() => {}),
      () => "mails in mails",
      500,
    );
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
    const proof = standardWebhooks({ key: (given: string) => given });
    const { secret } = genericSms.credentials as { secret: string };
    const at = new Date();
    const body = Buffer.alloc(1_000_000, "x");
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": "v1,x ".repeat(3000),
    };
    const request = { url: "https://bridge.example.com/webhooks/1", headers, body, receivedAt: at };
    const check = () => proof.check(request, secret, () => expect.unreachable());
    expect(await expectSwift(check, () => "signatures", 100)).toBe(false);
  });

  test("address headers and return paths are read in a time that grows with their length alone", async () => {
    await expectSwift(
      () => addressesOf("a:".repeat(500_000)),
      () => "addresses",
    );
    const headers = [{ name: "return-path", value: `${" ".repeat(500_000)}x` }];
    await expectSwift(
      () => readMailHeaders(headers),
      () => "return path",
    );
  });

  test("some hundred mailboxes are all kept", () => {
    const many = Array.from({ length: 400 }, (_, index) => `Person ${index} <person${index}@example.org>`);
    expect(addressesOf(many.join(", "))).toHaveLength(400);
  });
});

test.each([
  ["many lines", `\r\n${"a line\n".repeat(400_000)}`],
  ["a large text", `Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n${"\x1b$B$3$s\x1b(B\n".repeat(400_000)}`],
  [
    "a large file",
    `Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n${`${"A".repeat(76)}\r\n`.repeat(66_000)}`,
  ],
  [
    "a text in quoted-printable",
    `Content-Type: text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${"=80 =93x=94 and =\r\n".repeat(250_000)}`,
  ],
])("an email of 5 MB with %s is read in little time, and everything else goes on meanwhile", async (name, mail) => {
  const raw = Buffer.from(`From: a@example.org\r\n${mail}`);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await parseMime(raw);
  // Of several times the best: others on the machine do not count.
  const stalls: number[] = [];
  for (let time = 0; time < 4; time++) {
    delay.enable();
    await expectSwift(
      () => parseMime(raw),
      () => name,
      500,
    );
    delay.disable();
    stalls.push(delay.max / 1e6);
    delay.reset();
  }
  expect(Math.min(...stalls)).toBeLessThan(100 * (await slownessNow()));
});
