import { expect, test } from "vitest";
import { sendblue } from "../../src/providers/sms/sendblue.ts";
import { signer } from "../fixtures/sendblue/sign.ts";
import { outboundMessage, readSendFixtures } from "../support/fixtures.ts";

test("a message holds one file: the others go as links below the words", async () => {
  const [sample] = readSendFixtures("sendblue");
  if (!sample) return expect.unreachable("there are no sends of sendblue");
  const files = ["cat.jpg", "menu.pdf", "map.png"].map((name) => {
    return { url: `https://files.example.com/${name}`, name, contentType: "image/jpeg" };
  });
  const bodies: unknown[] = [];
  const send = (text: string | undefined) =>
    sendblue.send(
      { ...outboundMessage(sample.fixture), text, attachments: files },
      signer.sendCredentials,
      async (call) => {
        bodies.push(call.body);
        return { ...sample.fixture.answer, headers: {} };
      },
    );
  await send("Look");
  await send(undefined);
  const links = "https://files.example.com/menu.pdf\nhttps://files.example.com/map.png";
  expect(bodies).toMatchObject([
    { content: `Look\n${links}`, media_url: "https://files.example.com/cat.jpg" },
    { content: links, media_url: "https://files.example.com/cat.jpg" },
  ]);
});

const read = (body: Record<string, unknown>) => {
  const sample = { contentType: "application/json", body };
  return sendblue.parse(
    signer.sign(sample, { url: "https://bridge.example.com/webhooks/x", at: new Date() }),
    undefined,
  );
};
const numbers = { from_number: "+15005550006", to_number: "+15005550009" };

test("a message is no call by what it has of one and is empty", async () => {
  const message = { ...numbers, message_handle: "m-1", content: "Hello", is_outbound: false, disposition: null };
  expect(await read(message)).toMatchObject([{ kind: "message", text: "Hello" }]);
});

test("a call that the business made is known by Twilio's words for it as well", async () => {
  const call = { event_type: "call_log", call_id: "c-1", status: "completed" };
  const made = { ...call, from_number: numbers.to_number, to_number: numbers.from_number, direction: "outbound-api" };
  expect(await read(made)).toMatchObject([{ direction: "outbound", to: ["+15005550006"] }]);
});

test("what was said in a call comes with the call's id alone, and is not lost", async () => {
  const said = { event_type: "call_log", call_id: "c-2", disposition: "voicemail", transcript: "Call me back" };
  expect(await read(said)).toMatchObject([
    { kind: "addition", callId: "c-2", attachments: [{ text: "Call me back" }] },
  ]);
});
