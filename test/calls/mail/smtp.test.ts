import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OutgoingMail } from "../../../src/calls/mail/outgoing-mail.ts";
import { createSmtp } from "../../../src/calls/mail/smtp.ts";
import { Failure } from "../../../src/errors.ts";
import { type CuttingProxy, startCuttingProxy } from "../../support/mail/cutting-proxy.ts";
import { login, startSmtp, type TestSmtp } from "../../support/mail/smtp-server.ts";
import { tlsOfLocalhost } from "../../support/mail/tls.ts";

const authorization = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`;
const mail = (change: Partial<OutgoingMail> = {}): OutgoingMail => ({
  from: { address: "box@ours.test", name: "Support, Ours" },
  ...{ to: "ann@vale.test", cc: [], bcc: [], subject: "Grüße", text: "Hello", html: "<p>Hello</p>" },
  headers: {
    ...{ "Message-ID": "<1@ours.test>", "In-Reply-To": "<0@vale.test>" },
    References: "<00@vale.test> <0@vale.test>",
  },
  attachments: [],
  ...change,
});

let server: TestSmtp;
let starttls: TestSmtp;
let proxy: CuttingProxy;
beforeAll(async () => {
  server = await startSmtp();
  starttls = await startSmtp({ secure: false });
  proxy = await startCuttingProxy(server.port);
});
afterAll(() => Promise.all([server.stop(), starttls.stop(), proxy.stop()]));

const open = (ports: number[], options: { ca?: string } = { ca: tlsOfLocalhost.cert }) =>
  createSmtp({ timeoutSeconds: 3, allow: ports.map((port) => `localhost:${port}`), ...options });
const failureOf = (sending: Promise<unknown>) =>
  sending.then(
    (sent) => expect.unreachable(`it was sent: ${JSON.stringify(sent)}`),
    (error: unknown) => (error instanceof Failure ? error : expect.unreachable(String(error))),
  );
const post = (url: string, body: OutgoingMail, headers = { authorization }) => ({
  method: "POST" as const,
  url,
  headers,
  body,
});

describe("a mail by SMTP", () => {
  test.each(["smtps", "smtp"])("is what was written, over %s, with one login for many", async (scheme) => {
    const there = scheme === "smtps" ? server : starttls;
    const smtp = open([there.port]);
    const file = { name: "Rechnung März.pdf", contentType: "application/pdf", content: "JVBERg==" };
    const before = there.taken.length;
    const logins = there.logins;
    for (let times = 0; times < 3; times++) {
      const body = mail({ cc: ["bob@vale.test"], bcc: ["cem@vale.test"], attachments: [file] });
      expect(await smtp(post(`${scheme}://localhost:${there.port}`, body))).toMatchObject({ status: 200 });
    }
    smtp.close();
    expect(there.logins).toBe(logins + 1);
    expect(there.taken).toHaveLength(before + 3);
    const [{ from, to, raw } = { from: "", to: [], raw: "" }] = there.taken.slice(-1);
    expect({ from, to }).toEqual({ from: "box@ours.test", to: ["ann@vale.test", "bob@vale.test", "cem@vale.test"] });
    expect(raw).toContain("Message-ID: <1@ours.test>");
    expect(raw).toContain("References: <00@vale.test> <0@vale.test>");
    expect(raw).not.toContain("cem@vale.test");
    expect(raw).toMatch(/^Date: /m);
  });

  test("goes by a token where there is one", async () => {
    const smtp = open([server.port]);
    const url = `smtps://box%40ours.test@localhost:${server.port}`;
    expect(await smtp(post(url, mail(), { authorization: "Bearer a-token" }))).toMatchObject({ status: 200 });
    const refused = await failureOf(smtp(post(url, mail(), { authorization: "Bearer another" })));
    expect(refused).toMatchObject({ reason: "misconfigured", status: 401 });
    smtp.close();
  });

  test.each([
    ["nobody of the name", { to: "nobody@vale.test" }, { reason: "rejected", status: 422, code: "550 5.1.1" }],
    ["a mailbox that is full for now", { to: "full@vale.test" }, { reason: "unavailable", status: 503 }],
    ["greylisting", { to: "busy@vale.test" }, { reason: "throttled", code: "450 4.7.1" }],
    ["a sender that is not the box's", { from: { address: "x@vale.test" } }, { reason: "misconfigured", status: 403 }],
    ["a mail that is too large", { text: "too large" }, { reason: "rejected", status: 413, code: "552 5.3.4" }],
  ])("that is refused says why: %s", async (_, change, expected) => {
    const smtp = open([server.port]);
    const before = server.taken.length;
    expect(await failureOf(smtp(post(`smtps://localhost:${server.port}`, mail(change))))).toMatchObject(expected);
    expect(server.taken).toHaveLength(before);
    // The session is none that would harm the next.
    expect(await smtp(post(`smtps://localhost:${server.port}`, mail()))).toMatchObject({ status: 200 });
    smtp.close();
  });

  test("that not all get is sent to the others once, and failed where the person is not among them", async () => {
    const smtp = open([server.port]);
    const url = `smtps://localhost:${server.port}`;
    const { body } = await smtp(post(url, mail({ cc: ["nobody@vale.test", "bob@vale.test"] })));
    expect(body).toMatchObject({ refused: [{ recipient: "nobody@vale.test", code: "550 5.1.1" }] });
    const failed = await failureOf(smtp(post(url, mail({ to: "full@vale.test", cc: ["bob@vale.test"] }))));
    expect(failed).toMatchObject({ reason: "rejected", message: expect.stringContaining("others") });
    smtp.close();
  });

  test("is never sent with a wrong password, and what is said of it holds no secret", async () => {
    const smtp = open([server.port]);
    const wrong = { authorization: `Basic ${Buffer.from(`${login.user}:hunter2hunter2`).toString("base64")}` };
    const failure = await failureOf(smtp(post(`smtps://localhost:${server.port}`, mail(), wrong)));
    expect(failure).toMatchObject({ reason: "misconfigured", status: 401 });
    expect(JSON.stringify([failure.message, failure.answer, String(failure.cause)])).not.toContain("hunter2");
    smtp.close();
  });
});

describe("a connection that nobody should trust is not used", () => {
  test("by a certificate that no authority has signed, of another host, or without TLS", async () => {
    const bare = await startSmtp({ secure: false, hideSTARTTLS: true, disabledCommands: ["STARTTLS"] });
    const logins = server.logins + bare.logins;
    const unsigned = open([server.port], {});
    expect(await failureOf(unsigned(post(`smtps://localhost:${server.port}`, mail())))).toMatchObject({
      ...{ reason: "unreachable", message: expect.stringMatching(/self-signed/) },
    });
    const byAddress = createSmtp({ timeoutSeconds: 3, allow: [`127.0.0.1:${server.port}`], ca: tlsOfLocalhost.cert });
    expect(await failureOf(byAddress(post(`smtps://127.0.0.1:${server.port}`, mail())))).toMatchObject({
      reason: "unreachable",
    });
    const plain = open([bare.port]);
    expect(await failureOf(plain(post(`smtp://localhost:${bare.port}`, mail())))).toMatchObject({
      reason: "unreachable",
    });
    expect(server.logins + bare.logins).toBe(logins);
    await bare.stop();
  });

  test("to an address that is not public, unless the operator's setting names it", async () => {
    const smtp = open([]);
    for (const host of ["localhost", "127.0.0.1", "10.0.0.1", "[::1]"]) {
      const failure = await failureOf(smtp(post(`smtps://${host}:${server.port}`, mail())));
      expect(failure, host).toMatchObject({ reason: "misconfigured", message: expect.stringContaining("not public") });
    }
  });

  test("and one that never answers ends in time", async () => {
    const silent = await startSmtp({ secure: false });
    const smtp = createSmtp({ timeoutSeconds: 0.3, allow: [`localhost:${silent.port}`], ca: tlsOfLocalhost.cert });
    // TLS is begun where the other side speaks first.
    expect(await failureOf(smtp(post(`smtps://localhost:${silent.port}`, mail())))).toMatchObject({
      reason: "unreachable",
    });
    await silent.stop();
  });
});

describe("a connection that breaks", () => {
  const url = () => `smtps://localhost:${proxy.port}`;
  const sendOnce = async (id: string, text = "x".repeat(3000)) => {
    const smtp = open([proxy.port]);
    const headers = { "Message-ID": `<${id}@ours.test>` };
    const outcome = await smtp(post(url(), mail({ headers, text }))).then(
      () => "sent",
      (error: Failure) => error.reason,
    );
    smtp.close();
    return { outcome, count: () => server.taken.filter(({ raw }) => raw.includes(`<${id}@ours.test>`)).length };
  };

  test.each(["client", "server"] as const)(
    "wherever the %s was cut off, has sent nothing where it says so, and never twice",
    async (from) => {
      proxy.cut = undefined;
      expect((await sendOnce(`whole-${from}`)).outcome).toBe("sent");
      const total = proxy.bytes[from];
      const seen: string[] = [];
      const places = Array.from({ length: 20 }, (_, index) => Math.ceil((total * (index + 1)) / 21));
      for (const afterBytes of [0, 1, ...places, total - 60, total - 30, total - 2]) {
        proxy.cut = { from, afterBytes };
        const { outcome, count } = await sendOnce(`cut-${from}-${afterBytes}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
        seen.push(outcome);
        expect(["sent", "unreachable", "outcome_unknown"]).toContain(outcome);
        if (outcome === "unreachable") expect(count(), `${outcome} after ${afterBytes} of ${total}`).toBe(0);
        else expect(count(), `${outcome} after ${afterBytes} of ${total}`).toBeLessThanOrEqual(1);
        if (outcome === "sent") expect(count()).toBe(1);
      }
      proxy.cut = undefined;
      expect(seen).toContain("unreachable");
      expect(seen).toContain("outcome_unknown");
    },
  );

  test("while it was idle costs nothing: the next mail goes by another one", async () => {
    proxy.cut = undefined;
    const smtp = open([proxy.port]);
    const before = server.taken.length;
    expect(await smtp(post(url(), mail()))).toMatchObject({ status: 200 });
    proxy.cutAll();
    expect(await smtp(post(url(), mail()))).toMatchObject({ status: 200 });
    expect(server.taken).toHaveLength(before + 2);
    smtp.close();
  });
});
