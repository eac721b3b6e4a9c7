import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { createServer, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { restless, startTestBridge, type TestBridge, untilPosted } from "../support/bridge.ts";
import { emailProviderId } from "../support/location.ts";
import { login } from "../support/mail/smtp-server.ts";
import { tlsOfLocalhost } from "../support/mail/tls.ts";
import { until } from "../support/until.ts";

let server: Awaited<ReturnType<typeof startUnderstating>>;
let bridge: TestBridge;
beforeAll(async () => {
  server = await startUnderstating();
  bridge = await startTestBridge({
    tuning: { ...restless, mailCa: tlsOfLocalhost.cert },
    config: { bodyLimitBytes: { sms: 100_000, email: 20_000 } },
  });
  await bridge.restart({ allowedPrivateHosts: [new URL(bridge.sandboxUrl).host, `localhost:${server.port}`] });
});
afterAll(async () => {
  await bridge.stop();
  server.stop();
});

test("a mail that its server says to be small, and gives without an end, is passed over, told of, and blocks no other", async () => {
  const mailboxOfTest = { provider: "imap-smtp", address: "box@ours.test", conversationProviderId: emailProviderId };
  const credentials = { imapHost: "localhost", imapPort: String(server.port), smtpHost: "localhost", ...login };
  const mappingId = await bridge.addMapping({ ...mailboxOfTest, credentials });
  await untilPosted(bridge, 2, 60);
  expect(bridge.sandbox.messages().map(({ subject }) => subject)).toEqual(["before it", "behind it"]);
  expect(server.asked.filter((uid) => uid === endless).length, "given up at once").toBeGreaterThanOrEqual(2);

  const { items } = (await bridge.admin("GET", `/webhooks?mappingId=${mappingId}&state=failed`)).body;
  const reason = expect.stringMatching(/passed over, and is in the mailbox: mail 8: .*more than anybody asked for/);
  expect(items).toEqual([expect.objectContaining({ reason })]);
  const { body: mapping } = await bridge.admin("GET", `/mappings/${mappingId}`);
  const mailbox = () => bridge.admin("GET", `/accounts/${mapping.accountId}`).then(({ body }) => body.mailbox);
  await until(mailbox, ({ failingSince }) => failingSince === null);
}, 120_000);

const endless = 8;

/** A server with three mails, of which it says that they are small; of one it never stops to tell. */
async function startUnderstating() {
  const asked: number[] = [];
  const mails = [7, endless, 9].map((uid) => ({ uid, mail: mailOf(uid === 7 ? "before it" : "behind it") }));
  let uidNext = 7;
  const examine = () => {
    const folder = `* 3 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT ${uidNext}]\r\n`;
    uidNext = 10;
    return folder;
  };
  const fetch = (range: string, isWhole: boolean) => {
    const isNamed = (uid: number) =>
      range.split(",").some((part) => {
        const [from = "", to = from] = part.split(":");
        return uid >= Number(from) && (to === "*" || uid <= Number(to));
      });
    const found = mails.filter(({ uid }) => isNamed(uid));
    if (isWhole) asked.push(...found.map(({ uid }) => uid));
    return found.map(({ uid, mail }) => {
      const about = `* ${uid - 6} FETCH (UID ${uid} RFC822.SIZE ${mail.length} INTERNALDATE "21-Nov-2026 10:00:00 +0000"`;
      const length = uid === endless ? 1_000_000_000 : mail.length;
      return isWhole ? `${about} BODY[]<0> {${length}}\r\n${mail})\r\n` : `${about})\r\n`;
    });
  };
  const server = createServer(tlsOfLocalhost, (socket) => {
    socket.on("error", () => undefined);
    socket.write("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n");
    const lines = createInterface({ input: socket }).on("error", () => undefined);
    lines.on("line", (line) => {
      const [tag = "", ...words] = line.split(" ");
      if (words.includes("EXAMINE")) socket.write(examine());
      if (words.includes("SEARCH")) socket.write("* SEARCH\r\n");
      const said = words.includes("FETCH") ? fetch(words[2] ?? "", line.includes("BODY")).join("") : "";
      socket.write(said);
      if (said.includes("{1000000000}")) return flood(socket);
      socket.write(`${tag} OK done\r\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { asked, port: (server.address() as AddressInfo).port, stop: () => server.close() };
}

function flood(socket: TLSSocket): void {
  const words = "x".repeat(100_000);
  const more = () => {
    while (!socket.destroyed && socket.write(words));
  };
  socket.on("drain", more);
  more();
}

function mailOf(subject: string): string {
  const headers = ["From: Ann <ann@vale.test>", "To: box@ours.test", `Subject: ${subject}`];
  return [...headers, `Message-ID: <${subject.replace(" ", "-")}@vale.test>`, "", "Hello", ""].join("\r\n");
}
