import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createMultibyteEncoder } from "@exodus/bytes/multi-byte.js";
import { createReading } from "../../src/providers/reading.ts";
import type { Lab } from "../lab.ts";
import type { Finding, Row } from "../report.ts";
import { median } from "../statistics.ts";

const mailBytes = 5_000_000;

/** How long reading a mail of 5 MB takes, of each kind, and how long everything else waited for the process meanwhile. */
export async function measureMail(lab: Lab): Promise<Finding> {
  const reading = createReading();
  lab.atEnd(() => reading.stop());
  const times = lab.isQuick ? 2 : 9;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const took: Record<string, number[]> = {};
  for (const [kind, mail] of Object.entries(mails())) {
    const request = requestOf(mail);
    // The first ones start the thread, and have its code translated.
    for (let time = -2; time < times; time++) {
      const startedAt = performance.now();
      delay.enable();
      await reading.parse("mailgun", request);
      delay.disable();
      if (time < 0) delay.reset();
      else took[kind] = [...(took[kind] ?? []), performance.now() - startedAt];
      await sleep(20);
    }
  }
  const rows = Object.entries(took).map(
    ([kind, each]): Row => ({
      what: `reading a mail of 5 MB: ${kind}`,
      ...{ value: median(each), unit: "ms", bar: { is: "under", value: 500 } },
      note: `median of ${each.length}; at most ${Math.round(Math.max(...each))} ms`,
    }),
  );
  const stall: Row = {
    what: "longest stall while they were read",
    ...{ value: delay.max / 1e6, unit: "ms", bar: { is: "under", value: 100 } },
  };
  return { measure: "mail", rows: [...rows, stall], details: { took } };
}

/** As Mailgun's routes post raw mail. */
function requestOf(mail: Buffer) {
  const fields = {
    recipient: "office@agency.example",
    sender: "rosa@client.example",
    timestamp: "1",
    token: "a".repeat(50),
  };
  const head = Object.entries({ ...fields, signature: "b".repeat(64) }).map(([name, value]) => partOf(name, value));
  const body = Buffer.concat([
    Buffer.from(head.join("")),
    Buffer.from(partOf("body-mime", "").slice(0, -2)),
    mail,
    end,
  ]);
  const headers = { "content-type": "multipart/form-data; boundary=form" };
  return { url: "https://bridge.example.com/webhooks/1/mime", headers, body, receivedAt: new Date() };
}

const partOf = (name: string, value: string) =>
  `--form\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const end = Buffer.from("\r\n--form--\r\n");

function mails(): Record<string, Buffer> {
  const japanese = createMultibyteEncoder("iso-2022-jp")(
    "お世話になっております。明日の件、よろしくお願いします。\r\n",
  );
  const chinese = createMultibyteEncoder("gb18030")("你好，明天的会议改到下午三点，请确认。\r\n");
  const file = Buffer.alloc(3_600_000, 7).toString("base64").replaceAll(/.{76}/g, "$&\r\n");
  const attached = (content: string) =>
    `Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nThe plans are attached.\r\n${content}--m--\r\n`;
  const fileOf = (content: string) =>
    `--m\r\nContent-Type: application/pdf; name=plans.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${content}\r\n`;
  return {
    "plain text": text("text/plain; charset=utf-8", "Grüße aus Köln, bis morgen um zehn!\r\n"),
    "windows-1252, quoted-printable": text(
      "text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable",
      "=93Gr=FC=DFe=94 f=FCr 20 =80, bis morgen um zehn =96 wie immer\r\n",
    ),
    "iso-2022-jp": text("text/plain; charset=iso-2022-jp", japanese),
    gb18030: text("text/plain; charset=gb18030", chinese),
    HTML: text(
      "text/html; charset=utf-8",
      '<div class="row"><p>Grüße <b>aus</b> Köln &amp; bis <a href="https://example.com/">morgen</a></p></div>\r\n',
    ),
    "a large file": mailOf(attached(fileOf(file))),
    "1,000 files": mailOf(attached(fileOf(file.slice(0, 4900)).repeat(1000))),
  };
}

function text(contentType: string, line: string | Uint8Array): Buffer {
  const bytes = Buffer.from(line);
  const lines = Buffer.alloc(Math.floor(mailBytes / bytes.length) * bytes.length, bytes);
  return Buffer.concat([mailOf(`Content-Type: ${contentType}\r\n\r\n`), lines]);
}

const mailOf = (rest: string) =>
  Buffer.from(`From: Rosa <rosa@client.example>\r\nMessage-ID: <1@client.example>\r\nMIME-Version: 1.0\r\n${rest}`);
