import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { genericEmail, genericSms } from "../../src/providers/generic.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/protocol.md"), "utf8");
const examples = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(([, code = ""]) => code);

const secret = /secret=(whsec_\S+)/.exec(page)?.[1] ?? "";
const body = /body='(.*)'/.exec(page)?.[1] ?? "";
const at = new Date(1769851800 * 1000);

afterEach(() => void vi.unstubAllGlobals());

const requestOf = (headers: Record<string, string>, content: string, receivedAt = at) => ({
  url: "https://bridge.example.com/webhooks/1",
  headers,
  body: Buffer.from(content),
  receivedAt,
});

test("the signature that the protocol gives to check with is one that the bridge takes", async () => {
  const signature = /webhook-signature: (v1,\S{44})/.exec(page)?.[1] ?? "";
  const headers = { "webhook-id": "evt_m-1", "webhook-timestamp": "1769851800", "webhook-signature": signature };
  expect(await genericSms.verify(requestOf(headers, body), { secret })).toBe(true);
});

test("the protocol's example in Node signs what the bridge takes", async () => {
  const fetched = vi.fn<(url: string, init: { headers: Record<string, string>; body: string }) => void>();
  vi.stubGlobal("fetch", fetched);
  const [code = ""] = examples("js");
  const source = `data:text/javascript,${encodeURIComponent(`${code}\nexport { post };`)}`;
  const { post } = await import(/* @vite-ignore */ source);
  await post("https://bridge.example.com/webhooks/1", secret, JSON.parse(body));
  const [, init] = fetched.mock.calls[0] ?? [];
  const request = requestOf(init?.headers ?? {}, init?.body ?? "", new Date());
  expect(await genericSms.verify(request, { secret })).toBe(true);
  expect(await genericSms.parse(request)).toMatchObject([{ kind: "message", text: "Hello" }]);
});

test("the protocol's example in a shell signs what the bridge takes", async () => {
  const script = examples("sh").find((code) => code.includes("curl")) ?? "";
  const curl = 'curl() { for each; do case "$each" in webhook-signature:*) echo "$each" ;; esac; done; }';
  const output = execFileSync("sh", ["-c", `${curl}\n${script.replace("$(date +%s)", "1769851800")}`], {
    encoding: "utf8",
  });
  const signature = output.trim().replace("webhook-signature: ", "");
  const headers = { "webhook-id": "evt_m-1", "webhook-timestamp": "1769851800", "webhook-signature": signature };
  expect(await genericSms.verify(requestOf(headers, body), { secret })).toBe(true);
});

test("all JSON that the protocol shows to be posted is read as it says", async () => {
  const kinds = examples("json").map(async (text) => {
    const adapter = /"(mime|messageId)"/.test(text) ? genericEmail : genericSms;
    const [event] = await adapter.parse(requestOf({}, text));
    return event?.kind;
  });
  expect(await Promise.all(kinds)).toEqual([
    "message",
    "message",
    "addition",
    "message",
    "consent",
    "receipt",
    "message",
    "message",
  ]);
});
