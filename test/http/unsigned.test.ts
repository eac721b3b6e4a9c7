import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { publicUrl } from "../support/location.ts";
import { providers } from "../support/providers.ts";

let bridge: TestBridge;
/** By its provider. */
const mappingIds = new Map<string, string>();
beforeAll(async () => {
  bridge = await startTestBridge();
  for (const [index, { name, channel, signer }] of providers.entries()) {
    const address = channel === "sms" ? `+1500555${1000 + index}` : `${name}@example.com`;
    const mapping = { provider: name, address, credentials: signer.credentials };
    mappingIds.set(name, await bridge.addMapping(mapping));
  }
});
afterAll(() => bridge.stop());

/** What is answered to the head of a request, of whose body nothing comes. */
async function postHead(path: string, headers: Record<string, string>): Promise<string> {
  const socket = connect(Number(new URL(bridge.url).port), "127.0.0.1");
  const all = { host: "x", ...headers, "content-length": "50000" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  try {
    const [answer] = (await once(socket, "data")) as [Buffer];
    return answer.toString();
  } finally {
    socket.destroy();
  }
}

const needed = providers.flatMap(({ name, adapter, signer, fixtures }) =>
  adapter.proof.headers.map((header) => ({ name, signer, fixtures, header, refused: adapter.refusedWith ?? 401 })),
);

describe("what lacks a header that its proof needs is refused though its body never comes", () => {
  test.each(needed)("$name: $header", async ({ name, signer, fixtures, header, refused }) => {
    const mappingId = mappingIds.get(name);
    const path = `/webhooks/${mappingId}`;
    const [first] = fixtures;
    if (!first) return expect.unreachable("there are no fixtures");
    const { headers } = signer.sign(first.fixture.request, { url: `${publicUrl}${path}`, at: new Date() });
    const { [header]: _left, ...without } = headers;
    const isRefusal = (line: Record<string, unknown>) =>
      line["event"] === "webhook.refused" && line["accountId"] === mappingId && line["reason"] === "unsigned";
    const before = bridge.logLines.filter(isRefusal).length;
    for (const given of [without, { ...without, [header]: "" }]) {
      const answer = await postHead(path, given);
      expect(answer).toContain(`HTTP/1.1 ${refused} `);
      expect(answer).toContain(header);
    }
    expect(bridge.logLines.filter(isRefusal)).toHaveLength(before + 2);
  });

  test("HighLevel's signature", async () => {
    const answer = await postHead("/webhooks/highlevel", { "content-type": "application/json" });
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });
});
