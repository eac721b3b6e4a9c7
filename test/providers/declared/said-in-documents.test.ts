import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { declaredProvider } from "../../../src/providers/declared/declared-provider.ts";
import { readDraft } from "../../../src/providers/declared/document/read-document.ts";
import { describeAdapter } from "../../support/adapter-contract.ts";
import { type AnyAdapter, providerOf } from "../../support/providers.ts";

/**
 * Providers that have an adapter in code, said in a document: they are held to the same contract, and mean the same on every
 * fixture.
 */
const at = new Date("2026-11-21T10:00:00.000Z");

// To another URL, which a document cannot choose, goes WhatsApp and RCS of Telnyx, whose agents have ids, and an MMS of ClickSend, whose files go as links.
const documents = [
  {
    name: "telnyx",
    file: "../../../docs/declared/x-telnyx.json",
    plain: ["text", "mms", "receipt-delivery-failed"],
    unsayable: [
      "whatsapp",
      "whatsapp-media",
      "whatsapp-image",
      "whatsapp-untold-file",
      "whatsapp-place",
      "whatsapp-edit",
      "receipt-whatsapp",
      "rcs",
      "rcs-file",
      "rcs-media",
      "rcs-place",
      "rcs-suggestion",
      "rcs-words-and-file",
      "receipt-rcs-read",
      "sent-elsewhere-rcs",
    ],
    services: [],
  },
  {
    name: "clicksend",
    file: "../../../docs/declared/x-clicksend.json",
    plain: ["text", "receipt-failed"],
    unsayable: ["media", "media-only"],
  },
  { name: "twilio", file: "x-twilio.json", plain: ["text", "mms", "whatsapp", "receipt-undelivered"] },
];

const read = (file: string) => readDraft(JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8")));

describe.each(documents)("$name, said in a document,", ({ name, file, plain, unsayable = [], ...sayable }) => {
  const { fixtures: all, sendFixtures: sends, ...built } = providerOf(name);
  // Of calls a document says nothing.
  const isSayable = (each: { name: string }) =>
    !/^(call|recording|transcript)/.test(each.name) && !unsayable.includes(each.name);
  const fixtures = all.filter(isSayable);
  const sendFixtures = sends.filter(isSayable);
  const adapter = declaredProvider(read(file)) as AnyAdapter;

  test("is as the adapter: its proof, what it answers, and what it knows of refusals", () => {
    const { proof, contentTypes, acknowledgement, refusals, isReferenceSigned } = built.adapter;
    expect(adapter).toMatchObject({ proof, contentTypes, refusals, services: built.adapter.services, ...sayable });
    expect(adapter.acknowledgement).toEqual(acknowledgement);
    expect(adapter.isReferenceSigned).toBe(isReferenceSigned);
  });

  test.each(fixtures)("means the same as the adapter: $name", async ({ fixture: { request: sample, means } }) => {
    const request = built.signer.sign(sample, {
      url: `https://bridge.example.com/webhooks/1${sample.query ?? ""}`,
      at,
    });
    expect(await adapter.verify(request, built.signer.credentials)).toBe(true);
    expect(JSON.parse(JSON.stringify(await adapter.parse(request)))).toEqual(means);
  });

  // To spoil each field of each fixture again would show nothing more: a few have them all.
  describeAdapter({
    ...built,
    adapter,
    sendFixtures,
    fixtures: fixtures.filter((fixture) => plain.includes(fixture.name)),
  });
});
