import { expect, test } from "vitest";
import type { ApiRequest } from "../../../src/calls/call-api.ts";
import { declaredProvider } from "../../../src/providers/declared/declared-provider.ts";
import { draftForm } from "../../../src/providers/declared/document/document.ts";

const document = draftForm.parse({
  ...{ name: "x-chat", label: "A chat", pasteAt: "its settings", people: "ids" },
  credentials: {
    key: { label: "Key", help: "In its settings.", need: "always" },
    token: { label: "Token", help: "In its settings.", need: "to send" },
  },
  receives: {
    contentTypes: ["application/json"],
    proof: { header: { header: "x-key", key: "key" } },
    events: [
      {
        when: { event: "message" },
        text: {
          ...{ id: "id", from: "user.id", to: "page", text: "words" },
          contact: { name: "user.name", phone: "user.tel", email: "user.mail" },
        },
      },
    ],
  },
  sends: {
    ...{ url: "https://chat.example/send", auth: { bearer: "token" }, encoding: "json" },
    fields: { page: "{from}", user: "{to}", words: "{textWithLinks}" },
    ...{ taken: { id: "id" }, refused: { code: "code" } },
  },
});
const chat = declaredProvider(document);

test("a chat's people and places are ids, and what it knows of them goes along", async () => {
  const said = {
    event: "message",
    id: "m-1",
    page: "p 1",
    user: { id: 7, name: "Ann", tel: "+15005550006", mail: "x" },
  };
  const parse = (body: unknown) =>
    chat.parse({
      ...{ url: "/", headers: { "content-type": "application/json" }, receivedAt: new Date() },
      body: Buffer.from(JSON.stringify(body)),
    });
  const [event] = await parse({ ...said, page: "p-1" });
  expect(event).toMatchObject({ from: "id:7", to: ["id:p-1"], fromName: "Ann", contact: { phone: "+15005550006" } });
  const [spaced] = await parse(said);
  expect(spaced).toMatchObject({ to: ["id:p 1"] });
  await expect(parse({ ...said, page: "p\n1" })).rejects.toThrow("is no id of up to 200 visible characters");
});

test("answers go by the ids as the chat has them", async () => {
  let asked: ApiRequest | undefined;
  const message = {
    ...{ reference: "1", from: "id:p-1", to: "id:7", text: "Hi", receiptUrl: "https://bridge.example/1" },
    ...{ cc: [], bcc: [], attachments: [], references: [] },
  };
  await chat.send(message, { key: "k".repeat(20), token: "t" }, async (request) => {
    asked = request;
    return { status: 200, headers: {}, body: { id: "s-1" } };
  });
  expect(asked?.body).toEqual({ page: "p-1", user: "7", words: "Hi" });
});
