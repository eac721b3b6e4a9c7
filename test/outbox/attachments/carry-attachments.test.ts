import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { afterEach, describe, expect, test } from "vitest";
import { createCallApi } from "../../../src/calls/call-api.ts";
import type { FetchFile } from "../../../src/calls/fetch-file.ts";
import { Failure, type FailureReason } from "../../../src/errors.ts";
import { readForm } from "../../../src/formats/form.ts";
import { createHighlevel } from "../../../src/highlevel/client.ts";
import {
  type CarryContext,
  type CarryInput,
  carryAttachments,
} from "../../../src/outbox/attachments/carry-attachments.ts";
import { inlineReading } from "../../../src/providers/reading.ts";
import { adapterOf } from "../../../src/providers/registry.ts";
import type { Db } from "../../../src/store/postgres/database.ts";
import type { CarriedAttachment, MessageContent } from "../../../src/store/schema.ts";
import { signer } from "../../fixtures/twilio/sign.ts";

const account = "/2010-04-01/Accounts/AC00000000000000000000000000000001";
const url = `https://api.twilio.com${account}/Messages/MM1/Media/ME1`;
let kept: CarriedAttachment[] = [];
/** As far as `keepAttachment` goes: what a message's files were last said to be. */
const db = {
  update: () => ({
    set: (row: { content: SQL }) => ({
      async where() {
        const [index, attachment] = new PgDialect().sqlToQuery(row.content).params;
        kept[Number(index)] = JSON.parse(String(attachment)) as CarriedAttachment;
      },
    }),
  }),
} as unknown as Db;
const adapter = adapterOf("twilio");
const work = (attachments: CarriedAttachment[]): CarryInput => {
  if (!adapter) throw new Error("there is no adapter for twilio");
  const lists = { to: [], cc: [], bcc: [], inReplyTo: [], references: [] };
  return {
    mapping: { provider: "twilio", adapter, credentials: [signer.credentials] },
    conversationId: "conversation-1",
    message: {
      id: 1,
      webhookId: null,
      providerMessageId: null,
      receivedAt: new Date(0),
      content: { ...lists, attachments } as unknown as MessageContent,
    },
    access: { locationId: "loc", token: "t", signal: AbortSignal.timeout(5000) },
  };
};
const context = (parts: Partial<CarryContext>): CarryContext => ({
  db,
  highlevel: { uploadFile: () => expect.unreachable("nothing was to be uploaded") },
  reading: inlineReading,
  fetchMedia: () => expect.unreachable("nothing was to be fetched"),
  attachmentLimitBytes: 5_000_000,
  ...parts,
});

let server: Server | undefined;
afterEach(() => {
  kept = [];
  server?.closeAllConnections();
  server?.close();
});

test("streams a file through: its beginning is at HighLevel before its end is here", async () => {
  let reachedHighlevel = () => {};
  const beginningIsThere = new Promise<void>((resolve) => {
    reachedHighlevel = resolve;
  });
  let form: Awaited<ReturnType<typeof readForm>> = [];
  server = createServer(async (req, res) => {
    if (req.url === "/media") {
      res.writeHead(200, { "Content-Type": "image/png" }).write(Buffer.alloc(100_000, "a"));
      await beginningIsThere;
      return void res.end("end");
    }
    req.once("data", reachedHighlevel);
    form = await readForm(req.headers["content-type"] ?? "", await buffer(req));
    res.end('{"uploadedFiles":{"image-1.png":"https://storage.example/image-1.png"}}');
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const callApi = createCallApi({ timeoutSeconds: 5, maxSockets: 4 });
  const fetchMedia: FetchFile = async () => {
    const answer = await callApi.open({ url: `${baseUrl}/media`, headers: {}, signal: AbortSignal.timeout(5000) });
    return { stream: answer.body, contentType: "image/png", sizeBytes: undefined, name: undefined };
  };
  const highlevel = createHighlevel({ callApi, baseUrl });
  const { attachments } = await carryAttachments(context({ highlevel, fetchMedia }), work([{ url }]));
  callApi.close();

  expect(attachments).toMatchObject([{ url: "https://storage.example/image-1.png", name: "image-1.png" }]);
  expect(kept).toEqual(attachments);
  const [locationId, conversationId, file] = form;
  expect(locationId).toMatchObject({ name: "locationId", content: Buffer.from("loc") });
  expect(conversationId).toMatchObject({ name: "conversationId", content: Buffer.from("conversation-1") });
  expect(file).toMatchObject({ name: "fileAttachment", filename: "image-1.png", contentType: "image/png" });
  expect(file?.content).toHaveLength(100_003);
});

describe("a file that cannot be fetched", () => {
  const failing = (reason: FailureReason, details: { status?: number; code?: string } = {}) =>
    context({ fetchMedia: () => Promise.reject(new Failure(reason, "so it is", details)) });

  test.each([
    [failing("rejected", { status: 404 }), "no longer there"],
    [failing("rejected", { status: 403 }), "not given by the provider"],
    [failing("rejected", { code: "too_large" }), "too large"],
    [failing("misconfigured", { status: 401 }), "not fetched, as the bridge's credentials do not open it"],
  ])("is kept with the reason when another try would change nothing (%#)", async (given, refusal) => {
    const { attachments } = await carryAttachments(given, work([{ url, contentType: "image/png" }]));
    expect(attachments).toEqual([{ url, contentType: "image/png", name: "image-1.png", refusal }]);
    expect(kept).toEqual(attachments);
    await carryAttachments(context({}), work(attachments));
  });

  test("waits for a file of a new message, which may only be late, and not for one that was taken away", async () => {
    const late = work([{ url, contentType: "image/png" }]);
    late.message.receivedAt = new Date();
    const missing = failing("rejected", { status: 404 });
    await expect(carryAttachments(missing, late)).rejects.toMatchObject({ reason: "not_visible" });
    expect(kept).toEqual([]);
    const [gone] = (await carryAttachments(failing("rejected", { status: 410 }), late)).attachments;
    expect(gone?.refusal).toBe("no longer there");
  });

  test.each([
    ["once", 1],
    ["several times", 4],
  ])("is uploaded once it is there, and kept with its address, where it was late %s", async (_often, misses) => {
    const late = work([{ url, contentType: "image/png" }]);
    late.message.receivedAt = new Date();
    const file = { contentType: "image/png", sizeBytes: 3, name: undefined };
    let left = misses;
    const given = context({
      fetchMedia: async () => {
        if (left-- > 0) throw new Failure("rejected", "so it is", { status: 404 });
        return { ...file, stream: Readable.from([Buffer.from("png")]) };
      },
      highlevel: { uploadFile: async () => "https://storage.example/image-1.png" },
    });
    for (let each = 0; each < misses; each++) {
      await expect(carryAttachments(given, late)).rejects.toMatchObject({ reason: "not_visible" });
    }
    await carryAttachments(given, late);
    expect(kept).toMatchObject([{ url: "https://storage.example/image-1.png", name: "image-1.png" }]);
  });

  test("lets the delivery wait when another try may change it", async () => {
    const given = failing("unreachable", { status: 503 });
    await expect(carryAttachments(given, work([{ url }]))).rejects.toMatchObject({ reason: "unreachable" });
    expect(kept).toEqual([]);
  });

  test("is named when the mapping was deleted, and its credentials with it", async () => {
    const deleted = work([{ url, contentType: "image/png" }]);
    deleted.mapping = { ...deleted.mapping, credentials: [] };
    const [attachment] = (await carryAttachments(context({}), deleted)).attachments;
    expect(attachment?.refusal).toContain("deleted");
  });
});

describe("an upload that HighLevel refuses", () => {
  const file = { contentType: "image/png", sizeBytes: 3, name: undefined };
  const refusing = (reason: FailureReason, status: number) =>
    context({
      fetchMedia: async () => ({ ...file, stream: Readable.from([Buffer.from("png")]) }),
      highlevel: { uploadFile: () => Promise.reject(new Failure(reason, "so it is", { status })) },
    });

  test.each([
    [400, "not taken by HighLevel"],
    [413, "too large"],
    [415, "type not taken"],
    [422, "not taken by HighLevel"],
  ])("by %i is kept with the reason", async (status, refusal) => {
    const { attachments } = await carryAttachments(refusing("rejected", status), work([{ url }]));
    expect(attachments).toMatchObject([{ url, refusal }]);
  });

  test.each([
    ["unauthorized", 401],
    ["rejected", 403],
    ["throttled", 429],
    ["server_error", 500],
    ["unavailable", 503],
  ] as const)("as %s lets the delivery fail for it", async (reason, status) => {
    await expect(carryAttachments(refusing(reason, status), work([{ url }]))).rejects.toMatchObject({ reason, status });
    expect(kept).toEqual([]);
  });
});

test.each([
  "/2010-04-01/Accounts.json",
  `${account}/Messages.json`,
  `${account}/Messages/MM1/Media/ME1.json`,
  `${account}/Messages/MM1/Media/ME1?x=1`,
  `${account}/Messages/MM1/Media/ME1#x`,
  `${account}/Messages/MM1/Media/..`,
  `${account}/Messages/MM1/Media/%2e%2e`,
  `${account}/Messages/MM1/Media/..%2f..%2f..%2fKeys`,
  `${account}/Messages/MM1/Media/x/../../../../Keys/K1/Media/ME1`,
  `${account}/Messages//Media/ME1`,
  `${account.toLowerCase()}/messages/mm1/media/me1`,
  `${account.replace(/1$/, "2")}/Messages/MM1/Media/ME1`,
  ":8443/2010-04-01/Accounts",
  `:443${account}/Messages/MM1/Media/ME1`,
])("the provider's credentials go to no address but a file's: %s", async (path) => {
  const [attachment] = (await carryAttachments(context({}), work([{ url: `https://api.twilio.com${path}` }])))
    .attachments;
  expect(attachment?.refusal).toContain("not one of the provider's files");
});

test.each([
  `https://user:pass@api.twilio.com${account}/Messages/MM1/Media/ME1`,
  `https://API.twilio.com${account}/Messages/MM1/Media/ME1`,
  `https://api.twilio.com\\2010-04-01/Accounts`,
  `http://api.twilio.com${account}/Messages/MM1/Media/ME1`,
  ` https://api.twilio.com${account}/Messages/MM1/Media/ME1`,
])("an address that is spelled in another way is no file's: %s", async (given) => {
  const [attachment] = (await carryAttachments(context({}), work([{ url: given }]))).attachments;
  expect(attachment?.refusal).toContain("not one of the provider's files");
});

test("of a message with thousands of files fifty are fetched, and the others are named", async () => {
  let fetches = 0;
  const fetchMedia: FetchFile = () => {
    fetches++;
    return Promise.reject(new Failure("rejected", "so it is", { status: 404 }));
  };
  const files = Array.from({ length: 3000 }, () => ({ url, contentType: "image/png" }));
  const { attachments } = await carryAttachments(context({ fetchMedia }), work(files));
  expect(fetches).toBe(50);
  expect(kept).toHaveLength(50);
  expect(attachments[49]?.refusal).toBe("no longer there");
  expect(attachments.slice(50).every(({ refusal }) => refusal?.includes("more than 50 files"))).toBe(true);
});
