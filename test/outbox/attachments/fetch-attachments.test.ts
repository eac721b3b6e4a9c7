import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCallApi } from "../../../src/calls/call-api.ts";
import { createFetchFile } from "../../../src/calls/fetch-file.ts";
import { fetchAttachments } from "../../../src/outbox/attachments/fetch-attachments.ts";

const answers: Record<string, RequestListener> = {
  "/files/offer%20%C3%BC.pdf": (_req, res) => res.setHeader("Content-Type", "application/pdf").end("%PDF"),
  "/files/offer.pdf": (_req, res) => res.setHeader("Content-Type", "application/octet-stream").end("%PDF"),
  "/d/slug": (_req, res) => {
    res
      .setHeader("Content-Disposition", 'attachment; filename="offer.pdf"')
      .setHeader("Content-Type", "application/pdf");
    res.end("%PDF-2");
  },
  "/gone.pdf": (_req, res) => res.writeHead(410).end(),
  "/login.pdf": (_req, res) => res.setHeader("Content-Type", "text/html; charset=utf-8").end("<form>"),
  "/page.html": (_req, res) => res.setHeader("Content-Type", "text/html; charset=utf-8").end("<p>"),
  "/kilobyte.bin": (_req, res) => res.end(Buffer.alloc(1000)),
  "/away.pdf": (_req, res) => res.writeHead(503).end(),
};
const server = createServer((req, res) => (answers[req.url ?? ""] ?? answers["/gone.pdf"])?.(req, res));
let url = "";
let door: ReturnType<typeof createCallApi>;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  url = `http://${host}`;
  door = createCallApi({ timeoutSeconds: 2, maxSockets: 4, guard: "public", allow: [host] });
});
afterAll(() => {
  door.close();
  server.closeAllConnections();
  server.close();
});

const fetchAll = (paths: string[], channel: "sms" | "email" = "email", emailAttachmentsLimitBytes = 1500) =>
  fetchAttachments(
    { fetchPublic: createFetchFile(door.open), emailAttachmentsLimitBytes, signal: AbortSignal.timeout(5000) },
    paths.map((path) => new URL(path, url).href),
    channel,
  );

describe("an email's files", () => {
  test("go with their content, by the name and type that they come with", async () => {
    const { attachments, unfetched } = await fetchAll([
      "/files/offer%20%C3%BC.pdf",
      "/files/offer.pdf",
      "/d/slug",
      "/page.html",
    ]);
    expect(unfetched).toEqual([]);
    expect(attachments.map(({ content, ...rest }) => ({ ...rest, content: content?.toString() }))).toEqual([
      { url: `${url}/files/offer%20%C3%BC.pdf`, name: "offer ü.pdf", contentType: "application/pdf", content: "%PDF" },
      { url: `${url}/files/offer.pdf`, name: "offer.pdf", contentType: "application/pdf", content: "%PDF" },
      { url: `${url}/d/slug`, name: "offer-2.pdf", contentType: "application/pdf", content: "%PDF-2" },
      { url: `${url}/page.html`, name: "page.html", contentType: "text/html", content: "<p>" },
    ]);
  });

  test("that are gone, want a login or are too much in all are named, for their links to go", async () => {
    const { attachments, unfetched } = await fetchAll(["/kilobyte.bin", "/kilobyte.bin", "/gone.pdf", "/login.pdf"]);
    expect(attachments).toHaveLength(1);
    expect(unfetched).toEqual([`${url}/kilobyte.bin`, `${url}/gone.pdf`, `${url}/login.pdf`]);
  });

  test("that are not to be had now are to be fetched again", async () => {
    await expect(fetchAll(["/away.pdf"])).rejects.toMatchObject({ reason: "unreachable", status: 503 });
  });

  test("are not fetched from inside of the network", async () => {
    await expect(fetchAll(["http://169.254.169.254/latest/meta-data"])).rejects.toMatchObject({
      reason: "misconfigured",
    });
  });
});

test("a text's media go as URLs, which nobody fetches here", async () => {
  const { attachments, unfetched } = await fetchAll(["http://10.0.0.1/a/cat.jpg", "/gone.pdf", "/slug"], "sms");
  expect(unfetched).toEqual([]);
  expect(attachments).toEqual([
    { url: "http://10.0.0.1/a/cat.jpg", name: "cat.jpg", contentType: "image/jpeg" },
    { url: `${url}/gone.pdf`, name: "gone.pdf", contentType: "application/pdf" },
    { url: `${url}/slug`, name: "slug", contentType: "application/octet-stream" },
  ]);
});
