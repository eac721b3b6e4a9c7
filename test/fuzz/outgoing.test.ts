import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { composeMail } from "../../src/calls/mail/outgoing-mail.ts";
import { Failure } from "../../src/errors.ts";
import type { OutboundMessage } from "../../src/model.ts";
import { mailProviders } from "../support/providers.ts";
import { expectSwift } from "./slowness.ts";

const email = {
  ...{ from: "support@example.com", to: "person@example.org", cc: [], bcc: [], attachments: [], references: [] },
  ...{ subject: "x", reference: "1", rfcMessageId: "a@example.com" },
  receiptUrl: "https://bridge.example.com/webhooks/a?message=1",
};
const signs = ["&", '<"', "é", "=\n", "words "];

describe.each(mailProviders)("$name", ({ adapter, signer }) => {
  test.each(["&", "é"])(
    "is asked to send 10 MB of %j, as text or as HTML, in no time that others would notice",
    async (sign) => {
      const words = sign.repeat(10_000_000 / sign.length);
      for (const written of [{ text: words }, { html: words }]) {
        const send = () =>
          adapter
            .send({ ...email, ...written } satisfies OutboundMessage, signer.sendCredentials, () => {
              throw new Failure("unreachable", "nobody is called");
            })
            .catch((error: unknown) => expect(error).toBeInstanceOf(Failure));
        await expectSwift(send, () => `${Object.keys(written)} of ${sign}`, 200);
      }
    },
  );
});

test.each(signs)("a mail of 10 MB of %j is written piece by piece, with turns for everything else", async (sign) => {
  const words = sign.repeat(10_000_000 / sign.length);
  const content = Buffer.alloc(10_000_000, sign).toString("base64");
  let turns = 0;
  let isWriting = true;
  const counting = (async () => {
    for (; isWriting; turns++) await setImmediate();
  })();
  const { raw } = await composeMail({
    ...{ from: { address: email.from }, to: email.to, cc: [], bcc: [], headers: {}, text: words, html: words },
    attachments: [{ name: "a.bin", contentType: "application/octet-stream", content }],
  });
  isWriting = false;
  await counting;
  expect(raw.length).toBeGreaterThan(30_000_000);
  expect(turns).toBeGreaterThan(100);
});
