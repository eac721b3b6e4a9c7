import { createConfig, lintFromString } from "@redocly/openapi-core";
import express from "express";
import request from "supertest";
import { expect, test } from "vitest";
import { apiOperations, createDocument } from "../../src/http/openapi/document.ts";
import { documentRoutes } from "../../src/http/openapi/document-routes.ts";
import { renderPage } from "../../src/http/openapi/page.ts";
import { requireFit } from "../support/fits-document.ts";

const document = createDocument();

test("the linter finds nothing", async () => {
  const config = await createConfig({ extends: ["recommended"] });
  const source = JSON.stringify(document);
  const found = await lintFromString({ source, config, absoluteRef: "openapi.json" });
  expect(found.map(({ ruleId, message, location: [at] }) => ({ ruleId, message, at: at?.pointer }))).toEqual([]);
});

test("the document has every operation, and holds nothing of what is here", () => {
  const ids = Object.values(document["paths"] as Record<string, Record<string, { operationId: string }>>).flatMap(
    (path) => Object.values(path).map(({ operationId }) => operationId),
  );
  expect(ids.sort()).toEqual(Object.keys(apiOperations).sort());
  expect(Object.keys(document["webhooks"] as object)).toEqual(["event", "send"]);
});

test("the page shows every operation and schema, without scripts, and what it names is there", () => {
  const page = renderPage();
  for (const id of Object.keys(apiOperations)) expect(page).toContain(`<details id="${id}">`);
  expect(page).not.toMatch(/<script|style=|\son\w+=/);
  const anchors = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => `id="${id}"`);
  expect(anchors.filter((id) => !page.includes(id))).toEqual([]);
});

test("both are served to anybody, the page under a policy that lets nothing run", async () => {
  const app = express().use(documentRoutes({ publicUrl: "https://bridge.example" }));
  const served = await request(app).get("/openapi.json").expect(200);
  expect(served.body).toEqual({ ...document, servers: [{ url: "https://bridge.example" }] });
  const page = await request(app).get("/docs").expect(200).expect("content-type", /html/);
  expect(page.headers["content-security-policy"]).toMatch(/^default-src 'none';style-src 'sha256-[^']+';/);
  expect(page.headers["content-security-policy"]).not.toContain("unsafe");
});

test.each([
  ["a field that is not named", "GET", "/admin/hold", { status: 200, body: { isHeld: false, waiting: 0, more: 1 } }],
  ["a field that is missing", "GET", "/admin/hold", { status: 200, body: { isHeld: false } }],
  ["a status that is not named", "PUT", "/admin/hold?x=1", { status: 201, body: { isHeld: false, waiting: 0 } }],
  ["an item that is something else", "GET", "/admin/keys/", { status: 200, body: { items: [1], nextCursor: null } }],
])("all tests refuse an answer with %s", (_what, method, url, answer) => {
  expect(() => requireFit(method, url, answer)).toThrow("its document");
});
