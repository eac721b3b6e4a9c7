import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { CallApi } from "../../src/calls/call-api.ts";
import type { FetchFile } from "../../src/calls/fetch-file.ts";
import type { OutboundMessage } from "../../src/model.ts";
import { fetchMedia } from "../../src/outbox/attachments/fetch-media.ts";
import { isAtMediaHost, placeOfMedia } from "../../src/providers/media-urls.ts";
import { waha } from "../../src/providers/sms/waha.ts";
import { signer } from "../fixtures/waha/sign.ts";
import { providerOf } from "../support/providers.ts";

const at = new Date("2026-11-21T10:00:00.000Z");
const url = "https://bridge.example.com/webhooks/5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";

test("a session that does not say whose it is has the number of the mapping", async () => {
  const found = providerOf("waha").fixtures.find(({ name }) => name === "text");
  if (!found) throw new Error("there is no text.json");
  const { request } = found.fixture;
  const nameless = signer.sign({ ...request, body: { ...(request.body as object), me: null } }, { url, at });
  expect(await waha.parse(nameless, "+15005550009")).toMatchObject([{ to: ["+15005550009"] }]);
  await expect(waha.parse(nameless)).rejects.toThrow("me.id: is no id of a number");
});

const given = signer.sendCredentials as { hmacKey: string; serverUrl: string; session: string; apiKey: string };

test("a second file of a message goes as a link below its words", async () => {
  const file = (name: string, contentType: string) => ({ url: `https://files.example.com/${name}`, name, contentType });
  const attachments = [file("song.mp3", "audio/mpeg"), file("cat.jpg", "image/jpeg")];
  const message = { reference: "42", to: "+15005550006", text: "Listen", attachments } as OutboundMessage;
  const asked: Parameters<CallApi>[0][] = [];
  await waha.send(message, given, async (request) => {
    asked.push(request);
    return { status: 201, body: { key: { id: "3EB0" } } } as Awaited<ReturnType<CallApi>>;
  });
  const body = { chatId: "15005550006@c.us", caption: "Listen\nhttps://files.example.com/cat.jpg" };
  expect(asked).toMatchObject([{ url: "https://waha.example.com/api/sendFile", body }]);
});

describe("a file that a person sent", () => {
  const placeOf = (file: string, serverUrl = given.serverUrl) => {
    if (!waha.media) throw new Error("WAHA has no media");
    return placeOfMedia(waha.media, { ...given, serverUrl }, file);
  };

  test.each([
    ["http://localhost:3000/api/files/shop/3EB0C7.jpeg", "https://waha.example.com"],
    ["https://waha.example.com/api/files/shop/false_15005550006@c.us_3EB0C7.jpeg", "https://waha.example.com/"],
    ["https://chat.example.com/waha/api/files/shop/3EB0C7.oga", "http://waha:3000"],
    ["http://localhost:3000/api/files/shop/3EB0C7.pdf", "https://chat.example.com/waha"],
  ])("at %s is fetched from %s", (file, serverUrl) => {
    const path = new URL(file).pathname.replace("/waha", "");
    const server = serverUrl.replace(/\/$/, "");
    expect(placeOf(file, serverUrl)).toEqual({ url: `${server}${path}`, hosts: [new URL(serverUrl).origin] });
  });

  test.each([
    "https://s3.example.com/waha/shop/cat.jpeg?X-Amz-Signature=1",
    "http://localhost:3000/api/files/shop/cat.jpeg?session=other",
    "http://localhost:3000/api/sessions/shop",
    "http://localhost:3000/api/files/shop/cat.jpeg/more",
    "http://localhost:3000/api/files/shop/..%2f..%2fsessions",
    "http://localhost:3000/api/files/../sessions/shop",
    "no URL",
  ])("at %s is not asked for with the API key", (file) => {
    expect(placeOf(file)).toBeUndefined();
    expect(waha.media && isAtMediaHost(waha.media, given, file)).toBe(false);
  });

  test("is asked for at the server alone, with the API key", async () => {
    const asked: Parameters<FetchFile>[] = [];
    const fetchFile: FetchFile = async (...call) => {
      asked.push(call);
      return { stream: Readable.from([]), contentType: undefined, sizeBytes: undefined, name: undefined };
    };
    const mapping = { provider: "waha", adapter: waha, credentials: [given] };
    const input = { mapping, message: { receivedAt: at }, access: {} } as unknown as Parameters<typeof fetchMedia>[1];
    const context = { fetchMedia: fetchFile, attachmentLimitBytes: 5_000_000 };
    await fetchMedia(context, input, "http://localhost:3000/api/files/shop/3EB0C7.jpeg");
    expect(asked).toMatchObject([
      [
        "https://waha.example.com/api/files/shop/3EB0C7.jpeg",
        { headers: { "x-api-key": given.apiKey }, allowedHosts: ["https://waha.example.com"] },
      ],
    ]);
  });
});
