import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { signer as genericSms } from "../../fixtures/generic-sms/sign.ts";
import { signer as mailgun } from "../../fixtures/mailgun/sign.ts";
import { signer as postmark } from "../../fixtures/postmark/sign.ts";
import { signer as twilio } from "../../fixtures/twilio/sign.ts";
import { startTestBridge, type TestBridge, untilPosted } from "../../support/bridge.ts";
import { readFixtures, type Sample, type Signer } from "../../support/fixtures.ts";
import { emailProviderId, publicUrl } from "../../support/location.ts";
import { until } from "../../support/until.ts";

interface Media {
  status?: number;
  /** For so many requests the status is given; for all without it. */
  times?: number;
  contentType: string;
  content: Buffer;
}

/** Stands in for Twilio's API, which wants credentials and redirects, and for its CDN, which must not see them. */
const media = new Map<string, Media>();
let fetched: string[] = [];
let isProviderAway = false;
const { accountSid, authToken } = twilio.credentials as { accountSid: string; authToken: string };
const basic = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;
const provider: Server = createServer(({ url = "", headers }, res) => {
  const [, host, ...path] = url.split("/");
  const id = path.at(-1) ?? "";
  fetched.push(`${host}/${id}`);
  if (isProviderAway) return void res.writeHead(503).end();
  if (host === "api.twilio.com") {
    if (headers.authorization !== basic) return void res.writeHead(401).end();
    return void res.writeHead(307, { Location: `https://mms.twiliocdn.com/${id}` }).end();
  }
  const found = media.get(id);
  if (found?.times !== undefined && found.times-- <= 0) delete found.status;
  if (headers.authorization || !found || found.status) return void res.writeHead(found?.status ?? 404).end();
  res.writeHead(200, { "Content-Type": found.contentType, "Content-Length": found.content.length }).end(found.content);
});

let bridge: TestBridge;
beforeAll(async () => {
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  const providersUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  bridge = await startTestBridge({
    config: { providersUrl, bodyLimitBytes: { sms: 100_000, email: 20_000_000 } },
  });
});
afterAll(async () => {
  await bridge.stop();
  provider.closeAllConnections();
  provider.close();
});

let posted = 0;
beforeEach(() => {
  posted = bridge.sandbox.messages().length;
  bridge.sandbox.setFaults([]);
  fetched = [];
  isProviderAway = false;
});
const newMessage = async () => {
  const [message] = (await untilPosted(bridge, posted + 1)).slice(posted);
  if (!message) throw new Error("nothing was posted");
  return message;
};
const uploads = () => bridge.sandbox.callCount("/conversations/messages/upload");
const download = async (url: string | undefined) => {
  const answer = await fetch(url ?? "");
  expect(answer.status).toBe(200);
  return { headers: answer.headers, content: Buffer.from(await answer.arrayBuffer()) };
};
const nameOf = (url: string) => decodeURIComponent(url.split("/").at(-1) ?? "");

let counter = 100;
const addMapping = async (name: string, signer: Signer, extra: Record<string, unknown> = {}) => {
  const isEmail = name === "postmark" || name === "mailgun";
  const address = isEmail ? `box${++counter}@example.com` : `+1500555${++counter}00`;
  const id = await bridge.addMapping({
    provider: name,
    address,
    credentials: signer.credentials,
    ...(isEmail ? { conversationProviderId: emailProviderId } : {}),
    ...extra,
  });
  const post = (sample: Sample) =>
    bridge.post(signer.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() }));
  return { id, address, post };
};
const sampleOf = (name: string, fixture: string): Sample => {
  const found = readFixtures(name).find((each) => each.name === fixture);
  if (!found) throw new Error(`there is no fixture ${name}/${fixture}`);
  return found.fixture.request;
};

describe("a text with media that only the provider's credentials open", () => {
  const mms = (to: string, items: [id: string, contentType: string][], body = ""): Sample => {
    const { contentType, body: fields } = sampleOf("twilio", "mms");
    const named = items.flatMap(([id, type], index) => [
      [`MediaUrl${index}`, `https://api.twilio.com/2010-04-01/Accounts/${accountSid}/Messages/MM1/Media/${id}`],
      [`MediaContentType${index}`, type],
    ]);
    const sid = `MM${String(++counter).padStart(32, "0")}`;
    const changed = {
      MessageSid: sid,
      SmsSid: sid,
      SmsMessageSid: sid,
      To: to,
      Body: body,
      NumMedia: String(items.length),
    };
    return { contentType, body: { ...(fields as object), ...changed, ...Object.fromEntries(named) } };
  };

  test("arrives with URLs that work, and the same bytes behind them", async () => {
    const { post, address } = await addMapping("twilio", twilio);
    const photo = randomBytes(50_000);
    const card = Buffer.from("BEGIN:VCARD\r\nEND:VCARD\r\n");
    media.set("ME1", { contentType: "image/jpeg", content: photo });
    media.set("ME2", { contentType: "text/vcard", content: card });
    await post(
      mms(address, [
        ["ME1", "image/jpeg"],
        ["ME2", "text/vcard"],
      ]),
    );
    const { attachments, body } = await newMessage();
    expect(attachments.map(nameOf)).toEqual(["image-1.jpg", "file-2.vcard"]);
    const [first, second] = await Promise.all(attachments.map(download));
    expect(first?.content.equals(photo)).toBe(true);
    expect(second?.content.equals(card)).toBe(true);
    expect(first?.headers.get("content-disposition")).toMatch(/^attachment/);
    expect(body).toBe("");
    expect(fetched).toEqual([
      "api.twilio.com/ME1",
      "mms.twiliocdn.com/ME1",
      "api.twilio.com/ME2",
      "mms.twiliocdn.com/ME2",
    ]);
  });

  test("streams four megabytes through", async () => {
    const { post, address } = await addMapping("twilio", twilio);
    const video = randomBytes(4_000_000);
    media.set("ME3", { contentType: "video/mp4", content: video });
    await post(mms(address, [["ME3", "video/mp4"]]));
    const { attachments } = await newMessage();
    expect((await download(attachments[0])).content.equals(video)).toBe(true);
  });

  test("waits for a picture that the provider does not have yet", async () => {
    const { post, address } = await addMapping("twilio", twilio);
    const late = { contentType: "image/png", content: Buffer.from("png"), status: 404, times: 2 };
    media.set("late", late);
    await post(mms(address, [["late", "image/png"]], "See photo"));
    const { attachments, body } = await newMessage();
    expect([attachments.map(nameOf), body]).toEqual([["image-1.png"], "See photo"]);
  });

  test("names what HighLevel cannot have, and why, and carries the rest", async () => {
    const { post, address } = await addMapping("twilio", twilio);
    media.set("large", { contentType: "video/mp4", content: Buffer.alloc(5_000_001) });
    media.set("gone", { contentType: "image/png", content: Buffer.alloc(0), status: 410 });
    media.set("small", { contentType: "image/png", content: Buffer.from("png") });
    await post(
      mms(
        address,
        [
          ["large", "video/mp4"],
          ["odd", "video/quicktime"],
          ["gone", "image/png"],
          ["small", "image/png"],
        ],
        "look",
      ),
    );
    const { attachments, body } = await newMessage();
    expect(body.split("\n")).toEqual([
      "look",
      "[Attachment: video-1.mp4, video/mp4: too large]",
      "[Attachment: video-2.qt, video/quicktime: type not taken]",
      "[Attachment: image-3.png, image/png: no longer there]",
    ]);
    expect(attachments.map(nameOf)).toEqual(["image-4.png"]);
    expect(fetched.join()).not.toContain("odd");
  });

  test("arrives without them, saying so, when the credentials do not open them", async () => {
    const foreign = { accountSid, authToken: "e".repeat(32) };
    const { post, address } = await addMapping("twilio", twilio, { credentials: [foreign, twilio.credentials] });
    media.set("ME9", { contentType: "image/png", content: Buffer.from("x") });
    await post(mms(address, [["ME9", "image/png"]], "look"));
    expect((await newMessage()).body).toMatch(/^look\n\[Attachment: image-1.png, image\/png: not fetched/);
  });

  test("waits for a provider that is away, without uploading again what it has carried", async () => {
    const { post, address } = await addMapping("twilio", twilio);
    media.set("ME4", { contentType: "image/png", content: Buffer.from("one") });
    media.set("ME5", { contentType: "image/png", content: Buffer.from("two") });
    isProviderAway = true;
    await post(
      mms(address, [
        ["ME4", "image/png"],
        ["ME5", "image/png"],
      ]),
    );
    await until(
      () => fetched.length,
      (count) => count >= 2,
    );
    isProviderAway = false;
    const { attachments } = await newMessage();
    expect(attachments.map(nameOf)).toEqual(["image-1.png", "image-2.png"]);
  });

  test("is not uploaded again when the post after it fails", async () => {
    const { post, address } = await addMapping("twilio", twilio);
    media.set("ME6", { contentType: "image/png", content: Buffer.from("png") });
    const before = uploads();
    bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/messages/inbound", status: 503, times: 3 }]);
    await post(mms(address, [["ME6", "image/png"]], "look"));
    const { attachments } = await newMessage();
    expect((await download(attachments[0])).content.toString()).toBe("png");
    expect(uploads() - before).toBe(1);
    expect(fetched).toHaveLength(2);
  });

  test("goes on where it ended when an upload fails", async () => {
    const { post, address } = await addMapping("twilio", twilio);
    for (const id of ["ME7", "ME8"]) media.set(id, { contentType: "image/png", content: Buffer.from(id) });
    bridge.sandbox.setFaults([{ kind: "no-answer", path: "/conversations/messages/upload", times: 2 }]);
    await post(
      mms(address, [
        ["ME7", "image/png"],
        ["ME8", "image/png"],
      ]),
    );
    const { attachments } = await newMessage();
    const contents = await Promise.all(attachments.map(async (url) => (await download(url)).content.toString()));
    expect(contents).toEqual(["ME7", "ME8"]);
    expect(bridge.sandbox.messages()).toHaveLength(posted + 1);
  });

  test("is not uploaded at all when its URL is public", async () => {
    const { post, address } = await addMapping("generic-sms", genericSms);
    const before = uploads();
    const url = "https://media.example.com/cat.jpg";
    const data = { id: `m-${++counter}`, from: "+15005550006", to: address, text: "hi", attachments: [{ url }] };
    await post({ contentType: "application/json", body: { type: "message.received", data } });
    expect((await newMessage()).attachments).toEqual([url]);
    expect(uploads()).toBe(before);
  });
});

describe("an email with files inside of the webhook", () => {
  const pdf = Buffer.from("%PDF-1.4\n");
  const png = randomBytes(2000);
  const mail = (to: string, html: string, files: { name: string; type: string; content: Buffer; id?: string }[]) => {
    const { contentType, body } = sampleOf("postmark", "attachment");
    const Attachments = files.map(({ name, type, content, id = "" }) => ({
      Name: name,
      Content: content.toString("base64"),
      ContentType: type,
      ContentLength: content.length,
      ContentID: id,
    }));
    const MessageID = `mail-${++counter}`;
    const ToFull = [{ Email: to, Name: "", MailboxHash: "" }];
    return { contentType, body: { ...(body as object), MessageID, ToFull, HtmlBody: html, Attachments } };
  };

  test("arrives with the files, and with the images in its html", async () => {
    const { post, address } = await addMapping("postmark", postmark);
    const html = `<p>See <img alt="" src="cid:Logo@01D"> <img src='cid:logo%4001d'> <img src="cid:other"></p>`;
    await post(
      mail(address, html, [
        { name: "invoice.pdf", type: "application/pdf", content: pdf },
        { name: "logo.png", type: "image/png", content: png, id: "logo@01D" },
      ]),
    );
    const message = await newMessage();
    expect(message.attachments.map(nameOf)).toEqual(["invoice.pdf", "logo.png"]);
    const [file, image] = message.attachments;
    expect((await download(file)).content.equals(pdf)).toBe(true);
    expect((await download(image)).content.equals(png)).toBe(true);
    expect(message.html).toBe(`<p>See <img alt="" src="${image}"> <img src='${image}'> <img src="cid:other"></p>`);
    expect(message.body).not.toContain("[Attachment");
  });

  test("of Mailgun arrives with them too, by names of any letters", async () => {
    const { post } = await addMapping("mailgun", mailgun);
    await post(sampleOf("mailgun", "attachment"));
    const { attachments } = await newMessage();
    expect(attachments.map(nameOf)).toEqual(["notes ü.txt", expect.stringMatching(/final.*\.pdf$/), "März.csv"]);
    expect((await download(attachments[0])).content.toString()).toBe("some notes");
  });

  test("tells files of one name apart, and names what HighLevel refuses", async () => {
    const { post, address } = await addMapping("postmark", postmark);
    await post(
      mail(address, "<p>files</p>", [
        { name: "scan.pdf", type: "application/pdf", content: pdf },
        { name: "scan.pdf", type: "application/pdf", content: Buffer.from("other") },
        { name: "../../setup.exe", type: "application/octet-stream", content: pdf },
        { name: "film.mp4", type: "video/mp4", content: Buffer.alloc(5_000_001) },
      ]),
    );
    const message = await newMessage();
    expect(message.attachments.map(nameOf)).toEqual(["scan.pdf", "scan-2.pdf"]);
    expect(message.html).toContain("[Attachment: setup.exe, application/octet-stream, 1 kB: type not taken]");
    expect(message.html).toContain("[Attachment: film.mp4, video/mp4, 5001 kB: too large]");
  });

  test("names a file that HighLevel refuses although its list of types has it", async () => {
    const { post, address } = await addMapping("postmark", postmark);
    bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/messages/upload", status: 415 }]);
    await post(mail(address, "<p>one</p>", [{ name: "a.pdf", type: "application/pdf", content: pdf }]));
    expect((await newMessage()).html).toContain("[Attachment: a.pdf, application/pdf, 1 kB: type not taken]");
  });
});
