import express from "express";
import request from "supertest";
import { expect, test } from "vitest";
import { createBodyMemory } from "../../src/http/body-memory.ts";
import { jsonBody } from "../../src/http/operations/json-body.ts";
import { problems } from "../../src/http/problem.ts";

const limit = 3_000_000;
const large = { text: "x".repeat(1_100_000) };

/** What answers when it is told to, so that a body is still held. */
function serve() {
  const app = express();
  let answer = () => undefined as unknown;
  let onCome = () => undefined as unknown;
  const come = new Promise((resolve) => {
    onCome = () => resolve(undefined);
  });
  const released = new Promise((resolve) => {
    answer = () => resolve(undefined);
  });
  app.use((req, res, next) => {
    res.locals["caller"] = { who: String(req.headers["x-key"]) };
    next();
  });
  app.use(...jsonBody({ bodyMemory: createBodyMemory({ small: 1_000_000, large: 4_000_000 }) }, limit));
  app.post("/", async (req, res) => {
    onCome();
    if (req.headers["x-waits"]) await released;
    res.json({ length: req.body?.text?.length });
  });
  app.use(problems(() => undefined));
  const post = (key: string) => request(app).post("/").set("x-key", key).set("Content-Type", "application/json");
  return { post, come, answer: () => answer() };
}

test("a key's bodies take half of the memory, are given back with the answer, and keep no other key out", async () => {
  const { post, come, answer } = serve();
  const first = post("key 1").set("x-waits", "1").send(large).then();
  await come;
  const refused = await post("key 1").send(large);
  expect(refused.status).toBe(503);
  expect(refused.headers["retry-after"]).toBe("10");
  expect((await post("key 2").send(large)).body).toEqual({ length: large.text.length });
  answer();
  expect((await first).status).toBe(200);
  expect((await post("key 1").send(large)).status).toBe(200);
});

test("413 for a body that is too large, or large and of a length that nobody said before", async () => {
  const { post } = serve();
  expect((await post("key 1").send({ text: "x".repeat(limit) })).status).toBe(413);
  const unsaid = post("key 1").set("Transfer-Encoding", "chunked");
  unsaid.write(JSON.stringify(large));
  expect((await unsaid).status).toBe(413);
  const small = post("key 1").set("Transfer-Encoding", "chunked");
  small.write(JSON.stringify({ text: "x" }));
  expect((await small).body).toEqual({ length: 1 });
});

test.each(["gzip", "deflate", "br", "__proto__"])("415 for a body that is packed as %s", async (encoding) => {
  const { post } = serve();
  expect((await post("key 1").set("Content-Encoding", encoding).send("{}")).status).toBe(415);
});
