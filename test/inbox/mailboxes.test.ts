import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { adminApiKey, restless, startTestBridge, type TestBridge, untilPosted } from "../support/bridge.ts";
import { emailProviderId } from "../support/location.ts";
import { type CuttingProxy, startCuttingProxy } from "../support/mail/cutting-proxy.ts";
import { imapServers, type TestImap } from "../support/mail/imap-server.ts";
import { login, startSmtp, type TestSmtp } from "../support/mail/smtp-server.ts";
import { tlsOfLocalhost } from "../support/mail/tls.ts";
import { until } from "../support/until.ts";

const mail = (subject: string, { id = subject, text = "Hello" } = {}) =>
  [
    ...["From: Ann <ann@vale.test>", "To: box@ours.test", `Subject: ${subject}`, `Message-ID: <${id}@vale.test>`],
    ...["", text, ""],
  ].join("\r\n");
const minute = 60_000;
/** Of a session, after each of which it is cut. */
const parts = 4;

describe.each(imapServers)("what comes to a mailbox at $name", ({ start }) => {
  let server: TestImap;
  let smtp: TestSmtp;
  let proxy: CuttingProxy;
  let bridge: TestBridge;

  beforeAll(async () => {
    server = await start();
    smtp = await startSmtp();
    proxy = await startCuttingProxy(server.port);
    const allowedPrivateHosts = [`localhost:${proxy.port}`, `localhost:${smtp.port}`];
    bridge = await startTestBridge({
      tuning: { ...restless, mailCa: tlsOfLocalhost.cert },
      config: { bodyLimitBytes: { sms: 100_000, email: 20_000 } },
    });
    await bridge.restart({ allowedPrivateHosts: [new URL(bridge.sandboxUrl).host, ...allowedPrivateHosts] });
  });
  afterAll(async () => {
    await bridge.stop();
    await Promise.all([proxy.stop(), smtp.stop()]);
    await server.stop();
  });
  beforeEach(() => {
    proxy.cut = undefined;
    proxy.isOpen = true;
  });

  const credentials = () => ({
    ...{ imapHost: "localhost", imapPort: String(proxy.port), ...login },
    ...{ smtpHost: "localhost", smtpPort: String(smtp.port) },
  });
  const subjects = () => bridge.sandbox.messages().map(({ subject }) => subject);
  const untilThere = (subject: string) => until(subjects, (all) => all.includes(subject), 30);
  let mappingId: string;

  test("before the account was there stays, and what comes then is posted once, in order, and left unread", async () => {
    await server.append(mail("long before"), { at: new Date(Date.now() - 3000 * minute) });
    await server.append(mail("just before"), { at: new Date(Date.now() - 5 * minute) });
    const address = { provider: "imap-smtp", address: "box@ours.test", conversationProviderId: emailProviderId };
    mappingId = await bridge.addMapping({ ...address, credentials: credentials() });
    for (const subject of ["one", "two", "three"]) await server.append(mail(subject));
    await untilPosted(bridge, 3, 30);
    expect(subjects()).toEqual(["one", "two", "three"]);
    await server.append(mail("four"));
    await untilPosted(bridge, 4, 30);
    expect(await server.subjects()).toEqual(["long before", "just before", "one", "two", "three", "four"]);
  });

  test("brings what the server found of its sender where the account names the server, and never what others wrote", async () => {
    const known = subjects().length;
    const ours =
      "Authentication-Results: mx.ours.test; spf=pass smtp.mailfrom=vale.test; dmarc=fail header.from=vale.test";
    const forged = "Authentication-Results: mx.ours.test; dmarc=pass; dkim=pass";
    const { body: mapping } = await bridge.admin("GET", `/mappings/${mappingId}`);
    const given = { ...credentials(), verifiedBy: "mx.ours.test" };
    await bridge.admin("PATCH", `/accounts/${mapping.accountId}`, { credentials: given });
    proxy.cutAll();
    await server.append([ours, "Received: by mx.ours.test", forged, mail("judged")].join("\r\n"));
    await untilPosted(bridge, known + 1, 30);
    const { items } = (await bridge.admin("GET", `/messages?mappingId=${mappingId}`)).body;
    const { content } = (await bridge.admin("GET", `/messages/${items[0].id}`)).body;
    expect(content).toMatchObject({ subject: "judged", verdicts: { spf: "pass", dkim: "pass", dmarc: "fail" } });
  });

  test("is there once and in order wherever the connection is cut", async () => {
    const known = subjects().length;
    const expected: string[] = [];
    for (const from of ["server", "client"] as const) {
      const total = proxy.bytes[from];
      for (let part = 0; part <= parts; part++) {
        const afterBytes = Math.ceil((total * part) / parts);
        const cutsBefore = proxy.cuts;
        proxy.cut = { from, afterBytes };
        proxy.cutAll();
        for (const letter of ["a", "b"]) {
          expected.push(`cut ${from} ${part} ${letter}`);
          await server.append(mail(expected.at(-1) ?? ""));
        }
        await until(
          () => proxy.cuts > cutsBefore || subjects().length >= known + expected.length,
          (isCut) => isCut,
        );
        proxy.cut = undefined;
        await untilPosted(bridge, known + expected.length, 40);
        expect(subjects().slice(known)).toEqual(expected);
      }
    }
  }, 300_000);

  test("is there once when a process ends", async () => {
    const known = subjects().length;
    await bridge.halt();
    await server.append(mail("while away"));
    await bridge.restart();
    await untilPosted(bridge, known + 1, 30);
    expect(subjects().slice(known)).toEqual(["while away"]);
  });

  test("is there once when the folder's numbers are others", async () => {
    const known = subjects().length;
    await server.renumber();
    proxy.cutAll();
    await server.append(mail("renumbered"));
    await untilThere("renumbered");
    expect(subjects().slice(known)).toEqual(["renumbered"]);
    expect(subjects()).not.toContain("just before");
  });

  test("and is too large arrives as far as it is kept, and says so", async () => {
    await server.append(mail("large", { text: "x".repeat(30_000) }));
    await untilThere("large");
    const posted = bridge.sandbox.messages().find(({ subject }) => subject === "large");
    expect(posted?.body).toContain("too large to be shown whole");
    expect(posted?.body).toContain("it is whole in the mailbox");
    expect(posted?.body).toContain("x".repeat(1000));
  });

  test("and is far larger than its server says keeps nothing behind it back", async () => {
    await server.append(mail("vast", { text: `${"x".repeat(70)}\r\n`.repeat(500_000) }));
    await server.append(mail("behind it"));
    await untilThere("behind it");
    const posted = bridge.sandbox.messages().find(({ subject }) => subject === "vast");
    expect(posted?.body).toContain("too large to be shown whole");
  });

  test("is moved where that is wished, and what came before is not", async () => {
    const before = await server.subjects();
    const connections = proxy.connections;
    await bridge.admin("PATCH", `/mappings/${mappingId}`, { credentials: { ...credentials(), moveTo: "Done" } });
    await until(
      () => proxy.connections,
      (now) => now > connections,
    );
    await server.append(mail("to be moved"));
    await untilThere("to be moved");
    await until(
      () => server.subjects("Done"),
      (moved) => moved.includes("to be moved"),
      30,
    );
    expect(await server.subjects("Done")).toEqual(["to be moved"]);
    expect(await server.subjects()).toEqual(before);
  });

  test("is told of where nothing can be fetched, and fetched when that is over", async () => {
    const known = subjects().length;
    const events = (name: string) =>
      bridge.logLines.filter(({ event, what }) => event === name && what === "mailbox").length;
    const [begun, over] = [events("provider.unreachable"), events("provider.reachable")];
    proxy.isOpen = false;
    proxy.cutAll();
    await until(
      () => events("provider.unreachable"),
      (count) => count === begun + 1,
      30,
    );
    const headers = { authorization: `Bearer ${adminApiKey}` };
    const ready = await fetch(`${bridge.url}/readyz`, { headers }).then((answer) => answer.json());
    expect(ready).toMatchObject({ failingMailboxes: [{ accountId: mappingId, reason: "unreachable" }] });
    const account = await bridge.admin("GET", `/accounts/${mappingId}`);
    expect(account.body.mailbox).toMatchObject({ reason: "unreachable", failingSince: expect.any(String) });
    expect(JSON.stringify(bridge.logLines)).not.toContain(login.password);
    await server.append(mail("after all"));
    proxy.isOpen = true;
    await untilThere("after all");
    expect(subjects().slice(known)).toEqual(["after all"]);
    await until(
      () => events("provider.reachable"),
      (count) => count === over + 1,
    );
  });
});
