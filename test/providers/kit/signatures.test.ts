import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { WebhookRequest } from "../../../src/model.ts";
import { decode } from "../../../src/providers/kit/decode.ts";
import type { Proof } from "../../../src/providers/kit/proofs.ts";
import {
  hmac,
  inBody,
  inHeader,
  publicKeySignature,
  type SignatureSource,
} from "../../../src/providers/kit/signatures.ts";
import { at, atSeconds, requestOf } from "./request.ts";

const key = (given: string) => given;
const form = "application/x-www-form-urlencoded";
const judge = (proof: Proof<string>, request: WebhookRequest, given = "secret") =>
  proof.check(request, given, () => decode(request, ["application/json", form]));
const macOf = (parts: (string | Buffer)[], secret = "secret") => {
  const mac = createHmac("sha256", secret);
  for (const part of parts) mac.update(part);
  return mac;
};

describe("an HMAC in a header", () => {
  const proofOf = (source: SignatureSource, encoding: "hex" | "base64" = "hex") =>
    hmac({ source, hash: "sha256", encoding, key });
  const timestamp = "x-time";
  const cases: [string, SignatureSource, (string | Buffer)[]][] = [
    ["the body", inHeader("x-signature"), ["{}"]],
    ["time and body", inHeader("x-signature", { timestamp, over: "{timestamp}.{body}" }), [`${atSeconds}.{}`]],
    [
      "nonce, too",
      inHeader("x-signature", { nonce: "x-id", timestamp, over: "{nonce}|{timestamp}|{body}" }),
      [`i|${atSeconds}|{}`],
    ],
    ["the URL, too", inHeader("x-signature", { over: "{url}{body}" }), ["https://bridge.example.com/webhooks/1{}"]],
    [
      "the body's hash",
      inHeader("x-signature", { timestamp, over: "{timestamp}\n{url}\n{bodySha256}" }),
      [`${atSeconds}\nhttps://bridge.example.com/webhooks/1\n`, createHash("sha256").update("{}").digest()],
    ],
  ];

  test.each(cases)("covers what its recipe says: %s", (_what, source, parts) => {
    for (const encoding of ["hex", "base64"] as const) {
      const headers = { "x-signature": macOf(parts).digest(encoding), "x-time": atSeconds, "x-id": "i" };
      const proof = proofOf(source, encoding);
      expect(judge(proof, requestOf("{}", { headers }))).toBe(true);
      expect(judge(proof, requestOf("{} ", { headers })), "another body").toBe(false);
      expect(judge(proof, requestOf("{}", { headers }), "other"), "another key").toBe(false);
      expect(judge(proof, requestOf("{}", { headers }), ""), "no key").toBe(false);
      expect(judge(proof, requestOf("{}", { headers: { ...headers, "x-signature": "" } }))).toBe(false);
      expect(judge(proof, requestOf("{}"))).toBe(false);
    }
  });

  test("covers sorted form fields after the URL, as Mandrill signs", () => {
    const proof = hmac({ source: inHeader("x-m", { over: "{url}{fields}" }), hash: "sha1", encoding: "base64", key });
    const url = "https://bridge.example.com/webhooks/1";
    const mac = createHmac("sha1", "secret").update(`${url}a1b2 3`).digest("base64");
    const headers = { "content-type": form, "x-m": mac };
    expect(judge(proof, requestOf("b=2+3&a=1", { headers }))).toBe(true);
    expect(judge(proof, requestOf("b=2+3&a=2", { headers }))).toBe(false);
    expect(judge(proof, requestOf("a=1&".repeat(10_000), { headers })), "too many fields").toBe(false);
  });

  test("is refused when it is older than five minutes, or its time or nonce is missing", () => {
    const source = inHeader("x-signature", { nonce: "x-id", timestamp, over: "{nonce}{timestamp}{body}" });
    const headers = { "x-signature": macOf([`i${atSeconds}{}`]).digest("hex"), "x-time": atSeconds, "x-id": "i" };
    const later = (seconds: number) => new Date(at.getTime() + seconds * 1000);
    const isTaken = (more: object) => judge(proofOf(source), { ...requestOf("{}", { headers }), ...more });
    expect([0, 299, -299, 301, -301].map((seconds) => isTaken({ receivedAt: later(seconds) }))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    for (const name of ["x-time", "x-id"]) expect(isTaken({ headers: { ...headers, [name]: "" } }), name).toBe(false);
    const unsigned = { ...headers, "x-time": "", "x-signature": macOf(["i{}"]).digest("hex") };
    expect(isTaken({ headers: unsigned })).toBe(false);
  });

  test("may be any of several with its prefix, of which ten are tried", () => {
    const proof = proofOf(inHeader("x-signature", { prefix: "v1=", separator: "," }));
    const own = `v1=${macOf(["{}"]).digest("hex")}`;
    const isTaken = (value: string) => judge(proof, requestOf("{}", { headers: { "x-signature": value } }));
    expect([own, `v0=x,v1=y,${own}`].map(isTaken)).toEqual([true, true]);
    expect([own.slice(3), `v1=,x`, `${"v1=y,".repeat(10)}${own}`].map(isTaken)).toEqual([false, false, false]);
  });

  test.each([
    ["{body}{unknown}", {}],
    ["{body}", { timestamp: "x-time" }],
    ["{nonce}{body}", {}],
  ])("cannot be a recipe that leaves something unsigned: %s %j", (over, headers) => {
    expect(() => inHeader("x-signature", { over, ...headers })).toThrow(/named and signed/);
  });
});

test("an HMAC that stands in the body is judged by what it says; a body that cannot be read carries none", async () => {
  const schema = z.object({ t: z.string(), mac: z.string() });
  const source = inBody("mac", (webhook) => {
    const { t, mac } = webhook.read(schema);
    return { signature: mac, timestamp: t, signed: [t] };
  });
  const proof = hmac({ source, hash: "sha256", encoding: "hex", key });
  const body = (t: string) => JSON.stringify({ t, mac: macOf([t]).digest("hex") });
  expect(await judge(proof, requestOf(body(atSeconds)))).toBe(true);
  for (const wrong of [body("1"), body(""), "{}", "{", "[]"])
    expect(await judge(proof, requestOf(wrong)), wrong).toBe(false);
});

describe("a signature by a private key", () => {
  const pairs = {
    rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ec: generateKeyPairSync("ec", { namedCurve: "P-256" }),
    ed25519: generateKeyPairSync("ed25519"),
  };
  const spki = (type: keyof typeof pairs) =>
    pairs[type].publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const pem = (type: keyof typeof pairs) => String(pairs[type].publicKey.export({ format: "pem", type: "spki" }));
  const source = inHeader("x-signature", { timestamp: "x-time", over: "{timestamp}{body}" });
  const signed = (type: keyof typeof pairs, hash: string | null) => {
    const signature = sign(hash, Buffer.from(`${atSeconds}{}`), pairs[type].privateKey).toString("base64");
    return { "x-signature": signature, "x-time": atSeconds };
  };

  test.each([
    ["rsa", "sha256"],
    ["rsa", "sha1"],
    ["ec", "sha256"],
  ] as const)("is taken from the one who has it: %s with %s, the key in PEM or without its armour", (type, hash) => {
    const proof = publicKeySignature({ source, type, hash, key });
    const headers = signed(type, hash);
    for (const publicKey of [pem(type), spki(type)]) {
      expect(judge(proof, requestOf("{}", { headers }), publicKey)).toBe(true);
      expect(judge(proof, requestOf("{} ", { headers }), publicKey)).toBe(false);
      for (const wrong of ["", "x", "====", "\u00ff".repeat(300)])
        expect(judge(proof, requestOf("{}", { headers: { ...headers, "x-signature": wrong } }), publicKey)).toBe(false);
    }
  });

  test("is never judged by a key of another type, or by what is no key", () => {
    const proof = publicKeySignature({ source, type: "rsa", hash: "sha256", key });
    const headers = signed("rsa", "sha256");
    for (const wrong of [spki("ec"), spki("ed25519"), "", "junk", pem("rsa").slice(0, 100)])
      expect(judge(proof, requestOf("{}", { headers }), wrong)).toBe(false);
    const byEd25519 = publicKeySignature({ source, type: "ed25519", key });
    const raw = Buffer.from(spki("ed25519"), "base64").subarray(-32).toString("base64");
    expect(judge(byEd25519, requestOf("{}", { headers: signed("ed25519", null) }), raw)).toBe(true);
    expect(judge(byEd25519, requestOf("{}", { headers: signed("rsa", "sha256") }), raw)).toBe(false);
  });
});
