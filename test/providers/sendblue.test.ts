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
