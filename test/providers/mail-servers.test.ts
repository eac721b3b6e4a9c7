import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { Readable, type Writable } from "node:stream";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ProviderEvent, WebhookRequest } from "../../src/model.ts";
import { genericEmail } from "../../src/providers/generic.ts";

/** The programs of docs/mail-servers.md, as they stand there. */
const page = readFileSync(join(import.meta.dirname, "../../docs/mail-servers.md"), "utf8");
const [worker = "", plugin = ""] = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
const [, program = ""] = /```python\n([\s\S]*?)```/.exec(page) ?? [];

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const mail = Buffer.concat([
  Buffer.from(
    "From: Ann <ann@example.org>\r\nTo: list@example.net\r\nContent-Type: text/plain; charset=iso-8859-1\r\n",
  ),
  Buffer.from("Message-ID: <1@example.org>\r\nSubject: Hi\r\n\r\nGr\u00fc\u00dfe\r\n", "latin1"),
]);

/** Stands in the bridge's place: takes what comes, and answers as it is told. */
let status = 200;
let requests: WebhookRequest[] = [];
const server = createServer(async (req, res) => {
  const body = Buffer.concat(await req.toArray());
  const headers = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]));
  requests.push({ url: `https://bridge.example.com${req.url}`, headers, body, receivedAt: new Date() });
  // A guard before the bridge may send on to a page of its own, where all is well.
  res.writeHead(req.url === "/login" ? 200 : status, { location: "/login" }).end();
});
let url = "";
const folder = mkdtempSync(join(tmpdir(), "post-mail-"));
const path = join(folder, "post-mail");
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/1`;
  writeFileSync(path, program);
  chmodSync(path, 0o755);
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ BRIDGE_URL: url, BRIDGE_SECRET: secret }));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  status = 200;
  requests = [];
});

async function readOnlyRequest(): Promise<ProviderEvent[]> {
  expect(requests).toHaveLength(1);
  const [request] = requests;
  if (!request) return [];
  expect(await genericEmail.verify(request, { secret })).toBe(true);
  return genericEmail.parse(request);
}

const ann = { providerMessageId: "1@example.org", from: "ann@example.org", text: "Grüße\n", to: ["list@example.net"] };

describe("the worker for Cloudflare", () => {
  const email = async (message: { from: string; to: string }) => {
    const module = await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(worker)}`);
    const rejections: string[] = [];
    const raw = Readable.toWeb(Readable.from([mail.subarray(0, 50), mail.subarray(50)]));
    const given = { ...message, raw, setReject: (reason: string) => rejections.push(reason) };
    await module.default.email(given, { BRIDGE_URL: url, BRIDGE_SECRET: secret });
    return rejections;
  };

  test("posts a mail as it is, with its envelope", async () => {
    await email({ from: "bounces@example.org", to: "support@example.com" });
    expect(await readOnlyRequest()).toMatchObject([{ ...ann, envelopeTo: ["support@example.com"] }]);
  });

  test("leaves with its sender what the bridge does not take, and rejects it for a mailbox that is closed", async () => {
    for (status of [503, 401, 404, 413, 302])
      await expect(email({ from: "a@b.example", to: "c@d.example" })).rejects.toThrow(String(status));
    status = 410;
    expect(await email({ from: "a@b.example", to: "c@d.example" })).toHaveLength(1);
  });
});

const hasPython = spawnSync("python3", ["--version"]).status === 0;
describe.skipIf(!hasPython)("the program that mail servers pipe mail into", () => {
  const settings = { ...env, POST_MAIL_SETTINGS: join(folder, "settings.json") };
  const run = (...envelope: string[]) => runWith(settings, ...envelope);
  const runWith = (given: typeof settings, ...envelope: string[]) =>
    new Promise<number | null>((resolve) => {
      const child = spawn("python3", [path, ...envelope], { env: given });
      child.on("exit", resolve);
      child.stdin.on("error", () => undefined).end(mail);
    });

  test("posts a mail as it is, with its envelope, whatever stands in that", async () => {
    expect(await run("bounces@example.org", "support@example.com", '"a\\"b"@example.com')).toBe(0);
    expect(await readOnlyRequest()).toMatchObject([
      { ...ann, envelopeTo: expect.arrayContaining(["support@example.com"]) },
    ]);
  });

  test("marks what an empty sender, or Postfix's name for it, has sent as a bounce", async () => {
    for (const sender of ["", "MAILER-DAEMON"]) {
      requests = [];
      expect(await run(sender, "support@example.com")).toBe(0);
      expect(await readOnlyRequest()).toMatchObject([{ automatic: "bounce" }]);
    }
  });

  test("has the server try again for whatever the bridge does not take, and ends for a mailbox that is closed", async () => {
    for (status of [503, 401, 413, 302]) expect(await run("a@b.example", "c@d.example")).toBe(75);
    status = 410;
    expect(await run("a@b.example", "c@d.example")).toBe(67);
  });

  test("has the server try again where it is set wrongly, or what answers is no bridge", async () => {
    const silent = createTcpServer((socket) => {
      socket.on("error", () => undefined).once("data", () => void socket.end("hello\r\n"));
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const written = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return name;
    };
    const wrong = [
      "missing.json",
      written("broken.json", "{"),
      written("empty.json", "{}"),
      written("other.json", JSON.stringify({ BRIDGE_URL: `http://127.0.0.1:${port}/`, BRIDGE_SECRET: secret })),
    ];
    for (const name of wrong) {
      expect(
        await runWith({ ...env, POST_MAIL_SETTINGS: join(folder, name) }, "a@b.example", "c@d.example"),
        name,
      ).toBe(75);
    }
    silent.close();
  });

  test("is what the plugin for Haraka runs", async () => {
    const exports: { hook_queue?: (next: (...given: unknown[]) => void, connection: unknown) => void } = {};
    const box = (address: string) => ({ address: () => address });
    const message_stream = { pipe: (target: Writable) => Readable.from([mail]).pipe(target) };
    const transaction = { mail_from: box("ann@example.org"), rcpt_to: [box("support@example.com")], message_stream };
    const requireHere = () => ({
      spawn: (_path: string, given: string[]) => spawn("python3", [path, ...given], { env: settings }),
    });
    const words = { OK: "OK", DENY: "DENY", DENYSOFT: "DENYSOFT" };
    runInNewContext(plugin, { exports, require: requireHere, ...words });
    const queue = () => new Promise((resolve) => exports.hook_queue?.((...given) => resolve(given), { transaction }));
    expect(await queue()).toEqual(["OK"]);
    expect(await readOnlyRequest()).toMatchObject([{ ...ann, envelopeTo: ["support@example.com"] }]);
    status = 503;
    expect(await queue()).toEqual(["DENYSOFT", "try again later"]);
  });
});
