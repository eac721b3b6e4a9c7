import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { FetchFile } from "../../src/calls/fetch-file.ts";
import { Failure } from "../../src/errors.ts";
import type { OutboundAttachment, OutboundMessage } from "../../src/model.ts";
import { fetchMedia } from "../../src/outbox/attachments/fetch-media.ts";
import { compose } from "../../src/providers/sms/whatsapp/compose.ts";
import { numberIdOf } from "../../src/providers/sms/whatsapp/graph.ts";
import { whatsapp } from "../../src/providers/sms/whatsapp.ts";
import { signer } from "../fixtures/whatsapp/sign.ts";

describe("what fits into one message", () => {
  const file = (name: string, contentType: string): OutboundAttachment => {
    return { url: `https://files.example.com/${name}`, name, contentType };
  };
  const composed = (text: string | undefined, ...attachments: OutboundAttachment[]) =>
    compose({ reference: "42", to: "+15005550006", text, attachments } as OutboundMessage);
  const [cat, song, odd] = [
    file("a.jpg", "image/jpeg"),
    file("b.ogg", "audio/ogg; codecs=opus"),
    file("c.svg", "image/svg+xml"),
  ];

  test("is a file with its words; further files are linked in them", () => {
    expect(composed("Look", cat, song)).toMatchObject({
      type: "image",
      image: { link: cat.url, caption: `Look\n${song.url}` },
    });
  });

  test("is a sound alone; with words it is linked", () => {
    expect(composed(undefined, song)).toMatchObject({ type: "audio", audio: { link: song.url } });
    expect(composed("Listen", song)).toMatchObject({ type: "text", text: { body: `Listen\n${song.url}` } });
  });

  test("is a link to a file of a type that WhatsApp does not take, or beside a long text", () => {
    expect(composed(undefined, odd)).toMatchObject({ type: "text", text: { body: odd.url } });
    const long = "x".repeat(1025);
    expect(composed(long, cat)).toMatchObject({ type: "text", text: { body: `${long}\n${cat.url}` } });
  });
});

test("each number of an account has its id, and one without is misconfigured", () => {
  expect(numberIdOf("+15005550009", "106")).toBe("106");
  expect(numberIdOf("+15005550010", "+15005550009=106, +15005550010=107")).toBe("107");
  expect(() => numberIdOf("+15005550011", "+15005550009=106")).toThrow(
    expect.objectContaining({ reason: "misconfigured", message: expect.stringContaining("+15005550011") }),
  );
});

describe("a file that a person sent", () => {
  const url = "https://graph.facebook.com/v25.0/1003383421387256";
  const place =
    "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1003383421387256&ext=1795255197&hash=ATv";
  const input = {
    mapping: { provider: "whatsapp", adapter: whatsapp, credentials: [signer.sendCredentials] },
    message: { receivedAt: new Date(0) },
    access: {},
  } as unknown as Parameters<typeof fetchMedia>[1];
  const fetchWith = (answers: (string | Failure)[]) => {
    const asked: Parameters<FetchFile>[] = [];
    const fetchFile: FetchFile = async (...call) => {
      const answer = answers[asked.push(call) - 1] ?? "";
      if (answer instanceof Failure) throw answer;
      return {
        stream: Readable.from([Buffer.from(answer)]),
        contentType: undefined,
        sizeBytes: undefined,
        name: undefined,
      };
    };
    const context = { fetchMedia: fetchFile, attachmentLimitBytes: 5_000_000 };
    return { asked, fetched: fetchMedia(context, input, url) };
  };

  test("is asked for by its id, and fetched from where Meta says, both with the token", async () => {
    const { asked, fetched } = fetchWith([JSON.stringify({ url: place, mime_type: "image/jpeg", id: "1" }), "jpeg"]);
    expect(await fetched).toHaveProperty("stream");
    expect(asked.map(([where, { allowedHosts }]) => [where, allowedHosts])).toEqual([
      [url, ["graph.facebook.com"]],
      [place, ["lookaside.fbsbx.com"]],
    ]);
    for (const [, { headers }] of asked) expect(headers).toEqual({ authorization: "Bearer EAAGtest0123456789" });
  });

  test.each(["", "{}", '{"url":""}', "<html>"])(
    "is refused in words when the answer does not say where: %s",
    async (answer) => {
      const { asked, fetched } = fetchWith([answer]);
      expect(await fetched).toEqual({ refusal: "not given by the provider" });
      expect(asked).toHaveLength(1);
    },
  );

  test("is tried again when either call fails for now, and given up when it is gone", async () => {
    const away = new Failure("unreachable", "away", { status: 503 });
    await expect(fetchWith([away]).fetched).rejects.toBe(away);
    await expect(fetchWith([JSON.stringify({ url: place }), away]).fetched).rejects.toBe(away);
    const gone = new Failure("rejected", "gone", { status: 404 });
    expect(await fetchWith([JSON.stringify({ url: place }), gone]).fetched).toEqual({ refusal: "no longer there" });
  });
});
