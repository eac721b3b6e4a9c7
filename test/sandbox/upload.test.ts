import supertest from "supertest";
import { beforeEach, describe, expect, test } from "vitest";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";

let sandbox: Sandbox;
let contactId: string;
beforeEach(() => {
  sandbox = createSandbox({ rateLimit: undefined });
  sandbox.putLocation({ id: "loc", token: "good", providers: [] });
  sandbox.putLocation({ id: "other", token: "other", providers: [] });
  contactId = sandbox.addContact({ locationId: "loc", phone: "+15005550006" }).id;
});

const form = (fields: Record<string, string>) => {
  const request = supertest(sandbox.app)
    .post("/conversations/messages/upload")
    .set({ authorization: "Bearer good", version: "2021-04-15" });
  for (const [name, value] of Object.entries(fields)) request.field(name, value);
  return request;
};
const fields = () => ({ locationId: "loc", contactId });

describe("an upload", () => {
  test("gives each file's URL, where the file is a download and never a page", async () => {
    const files = { "notes ü.txt": "<script>alert(1)</script>", "logo.svg": "<svg onload='alert(1)'/>" };
    const request = form(fields());
    for (const [name, content] of Object.entries(files)) request.attach("fileAttachment", Buffer.from(content), name);
    const { status, body } = await request;
    expect(status).toBe(200);
    expect(Object.keys(body.uploadedFiles)).toEqual(Object.keys(files));
    for (const [name, content] of Object.entries(files)) {
      const { pathname } = new URL(body.uploadedFiles[name]);
      const file = await supertest(sandbox.app).get(pathname);
      expect(file.text).toBe(content);
      expect(file.headers).toMatchObject({
        "content-type": "text/plain; charset=utf-8",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox",
        "content-disposition": expect.stringMatching(/^attachment/),
      });
    }
    expect((await supertest(sandbox.app).get("/_sandbox/files/nothing/x.txt")).status).toBe(404);
  });

  test.each([
    ["without a location", { locationId: "" }, "fileAttachment", "a.pdf", 400],
    ["for another location", { locationId: "other" }, "fileAttachment", "a.pdf", 403],
    ["without a conversation or contact", { contactId: "" }, "fileAttachment", "a.pdf", 400],
    ["for a conversation that is not there", { conversationId: "nobody" }, "fileAttachment", "a.pdf", 500],
    ["for a contact that is not there", { contactId: "nobody" }, "fileAttachment", "a.pdf", 500],
    ["with the file in another part", {}, "file", "a.pdf", 400],
    ["of a type that is not taken", {}, "fileAttachment", "a.webp", 415],
    ["without an extension", {}, "fileAttachment", "a", 415],
  ])("%s is refused", async (_about, change, part, name, status) => {
    const answer = await form({ ...fields(), ...change }).attach(part, Buffer.from("x"), name);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toBeTypeOf("string");
  });

  test("of more than 5 MB, of more than five files or of none is refused", async () => {
    const large = await form(fields()).attach("fileAttachment", Buffer.alloc(5_000_001), "a.pdf");
    expect([large.status, large.body.status]).toEqual([413, 413]);
    const many = form(fields());
    for (let count = 0; count < 6; count++) many.attach("fileAttachment", Buffer.from("x"), `${count}.pdf`);
    expect((await many).status).toBe(400);
    expect((await form(fields())).status).toBe(400);
  });

  test("that is no form is refused", async () => {
    const post = () =>
      supertest(sandbox.app)
        .post("/conversations/messages/upload")
        .set({ authorization: "Bearer good", version: "2021-04-15" });
    expect((await post().send({ locationId: "loc" })).status).toBe(400);
    expect((await post().set("content-type", "multipart/form-data").send("x")).status).toBe(400);
    expect((await post().set("content-type", "multipart/form-data; boundary=b").send("--b\r\nhalf")).status).toBe(400);
  });
});
