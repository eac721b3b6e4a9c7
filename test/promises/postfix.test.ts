import { execFileSync } from "node:child_process";
import { chownSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { restless, startTestBridge, type TestBridge, untilPosted } from "../support/bridge.ts";
import { copyMigrated, type TestDatabase } from "../support/database.ts";
import { emailProviderId, locationId, token } from "../support/location.ts";
import { type CuttingProxy, startCuttingProxy } from "../support/mail/cutting-proxy.ts";
import { imapServers, type TestImap } from "../support/mail/imap-server.ts";
import { makeMailFolder, startPostfix, type TestPostfix, whyNoPostfix } from "../support/mail/postfix.ts";
import { type SmtpCutter, type SmtpStep, smtpSteps, startSmtpCutter } from "../support/mail/smtp-cutter.ts";
import { login, startSmtp, type TestSmtp } from "../support/mail/smtp-server.ts";
import { tlsOfLocalhost } from "../support/mail/tls.ts";
import { freePort } from "../support/postgres.ts";
import { until } from "../support/until.ts";

/** What docs/mail-servers.md has of Postfix, as it stands there. */
const [, page = ""] = readFileSync(join(import.meta.dirname, "../../docs/mail-servers.md"), "utf8").split(
  "\n## Postfix",
);
const blocks = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, text = ""]) => ({
  language,
  text,
}));
const textsIn = (language: string) => blocks.filter((block) => block.language === language).map(({ text }) => text);
const [program = ""] = textsIn("python");
const [master = "", main = "", transport = ""] = textsIn("");

const why = whyNoPostfix();
if (why !== undefined) process.stdout.write(`The tests with Postfix are skipped: ${why}\n`);

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const support = "box@support.example.com";
/** Of whoever is to run the program; pipe(8) takes no one of Postfix's own. */
const nobody = 65_534;

let folder: string;
let relay: TestSmtp;
let postfix: TestPostfix;
let bridge: TestBridge;
let database: TestDatabase;

/** The lines of the page, for this folder and for a user whom each machine has. */
function here(lines: string): string {
  return lines
    .replace("/etc/postfix/", `${folder}/`)
    .replace("/usr/local/bin/", `${folder}/`)
    .replace("user=post-mail", "user=nobody");
}

/** Where the program posts to. */
function postTo(url: string): void {
  const path = join(folder, "post-mail.json");
  writeFileSync(path, JSON.stringify({ BRIDGE_URL: url, BRIDGE_SECRET: secret }), { mode: 0o600 });
  chownSync(path, nobody, nobody);
}

const messages = () => bridge.sandbox.messages();
const subjects = () => messages().map(({ subject }) => subject);
const untilQueueIsEmpty = () =>
  until(
    () => {
      postfix.flush();
      return postfix.queue();
    },
    (waiting) => waiting.length === 0,
  );

describe.skipIf(why !== undefined)("with Postfix", () => {
  beforeAll(async () => {
    folder = makeMailFolder("postfix-");
    writeFileSync(join(folder, "post-mail"), program, { mode: 0o755 });
    writeFileSync(join(folder, "transport"), transport);
    execFileSync("/usr/sbin/postmap", [join(folder, "transport")]);
    // Also what it reports to senders.
    relay = await startSmtp({ secure: false, authOptional: true, onMailFrom: (_address, _session, done) => done() });
    const settings = `export_environment = TZ MAIL_CONFIG LANG POST_MAIL_SETTINGS=${folder}/post-mail.json\n`;
    postfix = await startPostfix({
      ...{ folder, relayPort: relay.port },
      ...{ main: `${here(main)}\n${settings}`, master: here(master) },
    });
    database = await copyMigrated(inject);
    bridge = await startTestBridge({
      databaseUrl: database.url,
      config: { port: await freePort(), highlevelTimeoutSeconds: 60 },
      tuning: { ...restless, mailCa: tlsOfLocalhost.cert },
    });
  });
  afterAll(async () => {
    await bridge?.stop();
    await postfix?.stop();
    await relay?.stop();
    await database?.drop();
  });

  describe("mail that it pipes to the bridge, as docs/mail-servers.md has it,", () => {
    let mappingId: string;
    beforeAll(async () => {
      const address = { address: support, conversationProviderId: emailProviderId };
      mappingId = await bridge.addMapping({ provider: "generic-email", ...address, credentials: { secret } });
    });
    beforeEach(() => postTo(`${bridge.url}/webhooks/${mappingId}`));

    /** Somebody's server hands it over. */
    const hand = (raw: string | Buffer) =>
      createTransport({ host: "127.0.0.1", port: postfix.port, ignoreTLS: true }).sendMail({
        envelope: { from: "ann@vale.test", to: support },
        raw,
      });
    const mail = (subject: string, more: string[] = [], body: string[] = ["", "Hello"]) =>
      [
        ...["From: =?utf-8?q?Ann_M=C3=BCller?= <ann@vale.test>", `To: ${support}`, `Subject: ${subject}`],
        ...[`Message-ID: <${encodeURIComponent(subject)}@vale.test>`, "MIME-Version: 1.0", ...more, ...body, ""],
      ].join("\r\n");
    const untilHeld = (reason: RegExp) =>
      until(
        () => postfix.queue(),
        (waiting) => waiting.some(({ recipients: [first] }) => reason.test(first?.delay_reason ?? "")),
      );

    test("is there once, with its letters, its file and its thread", async () => {
      const parts = [
        ...["", "--b", "Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: 8bit", ""],
        ...["Sch\u00f6ne Gr\u00fc\u00dfe", "--b", "Content-Type: application/pdf", "Content-Transfer-Encoding: base64"],
        ...["Content-Disposition: attachment; filename*=utf-8''Rechnung%20M%C3%A4rz.pdf", "", "JVBERi0xLjQK", "--b--"],
      ];
      const type = "Content-Type: multipart/mixed; boundary=b";
      await hand(Buffer.from(mail("=?utf-8?q?Sch=C3=B6n?=", [type], parts), "latin1"));
      const [first] = await untilPosted(bridge, 1);
      expect(first).toMatchObject({ subject: "Schön", emailFrom: expect.stringContaining("ann@vale.test") });
      expect(JSON.stringify(first)).toContain("Schöne Grüße");
      const [url = ""] = first?.attachments ?? [];
      expect(decodeURIComponent(url)).toContain("Rechnung März.pdf");
      expect(await fetch(url).then((answer) => answer.text())).toBe("%PDF-1.4\n");
      const id = `<${encodeURIComponent("=?utf-8?q?Sch=C3=B6n?=")}@vale.test>`;
      await hand(mail("Re: two", [`In-Reply-To: ${id}`, `References: ${id}`]));
      const [, second] = await untilPosted(bridge, 2);
      expect(second?.threadId).toBe(first?.threadId);
      await untilQueueIsEmpty();
      expect(subjects()).toEqual(["Schön", "Re: two"]);
    });

    test.each([
      ["is away", /could not be posted/, () => bridge.halt(), () => bridge.restart()],
      [
        "has no room for it",
        /the bridge answered 503/,
        () => bridge.restart({ bodyMemoryBytes: 10 }),
        () => bridge.restart({ bodyMemoryBytes: 128_000_000 }),
      ],
    ])("stays with Postfix while the bridge %s, and is there once when that is over", async (_, reason, begin, end) => {
      const known = subjects().length;
      await begin();
      const mails = [`one ${known}`, `two ${known}`, `three ${known}`];
      for (const subject of mails) await hand(mail(subject));
      await untilHeld(reason);
      await end();
      await untilQueueIsEmpty();
      await untilPosted(bridge, known + mails.length);
      expect(subjects().slice(known).toSorted()).toEqual(mails.toSorted());
    });

    test("comes again when its answer was lost, and is there once", async () => {
      const known = subjects().length;
      const proxy: CuttingProxy = await startCuttingProxy(Number(new URL(bridge.url).port));
      postTo(`http://127.0.0.1:${proxy.port}/webhooks/${mappingId}`);
      // Without an answer, and amid its first line.
      for (const afterBytes of [0, 5]) {
        proxy.cut = { from: "server", afterBytes };
        await hand(mail(`answer lost after ${afterBytes}`));
        await untilHeld(/could not be posted/);
        proxy.cut = undefined;
        await untilQueueIsEmpty();
      }
      await proxy.stop();
      postTo(`${bridge.url}/webhooks/${mappingId}`);
      await hand(mail("the next"));
      await until(subjects, (all) => all.includes("the next"));
      expect(subjects().slice(known)).toEqual(["answer lost after 0", "answer lost after 5", "the next"]);
    });

    test("stays with Postfix while the program itself is set wrongly", async () => {
      writeFileSync(join(folder, "post-mail.json"), "{");
      await hand(mail("wrongly set"));
      await untilHeld(/could not be posted/);
      postTo(`${bridge.url}/webhooks/${mappingId}`);
      await untilQueueIsEmpty();
      await until(subjects, (all) => all.includes("wrongly set"));
    });

    test("goes back to its sender once the mailbox is closed for good", async () => {
      expect((await bridge.admin("DELETE", `/mappings/${mappingId}`)).status).toBe(204);
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      await client.query("update accounts set deleted_at = now() - interval '8 days' where id = $1", [mappingId]);
      await client.end();
      await bridge.restart();
      await hand(mail("too late"));
      const [report] = await until(
        () => relay.taken.filter(({ to }) => to.includes("ann@vale.test")),
        (all) => all.length > 0,
      );
      expect(report?.raw).toMatch(/the bridge answered 410/);
      await untilQueueIsEmpty();
      expect(subjects()).not.toContain("too late");
    });
  });

  describe("mail that an agent sends through it", () => {
    let cutter: SmtpCutter;
    let mailbox: TestImap;
    let mappingId: string;
    beforeAll(async () => {
      // Dovecot, where it is installed.
      const [{ start } = expect.unreachable("no server")] = imapServers.slice(-1);
      mailbox = await start();
      cutter = await startSmtpCutter(postfix.submissionPort);
      const hosts = [cutter.port, mailbox.port].map((port) => `localhost:${port}`);
      await bridge.restart({ allowedPrivateHosts: [new URL(bridge.sandboxUrl).host, ...hosts] });
      mappingId = await bridge.addMapping({
        ...{ provider: "imap-smtp", address: login.user, conversationProviderId: emailProviderId },
        credentials: {
          ...{ imapHost: "localhost", imapPort: String(mailbox.port), ...login },
          ...{ smtpHost: "localhost", smtpPort: String(cutter.port) },
        },
      });
      const deliveryUrl = `${bridge.url}/webhooks/highlevel/${mappingId}`;
      const provider = { id: emailProviderId, channel: "email" as const, extra: true, deliveryUrl };
      bridge.sandbox.putLocation({ id: locationId, token, providers: [provider] });
    });
    afterAll(async () => {
      await bridge.halt();
      await cutter?.stop();
      await mailbox?.stop();
    });

    const write = (email: string, subject: string, html = "<p>Grüße</p>") => {
      const contact = bridge.sandbox.addContact({ locationId, email });
      return bridge.sandbox.sendAsAgent(contact.id, { providerId: emailProviderId, subject, html });
    };
    const untilStatus = (message: ReturnType<typeof write>, status: string) =>
      until(
        () => message.status,
        (now) => now === status,
      );
    const takenFor = (email: string) => relay.taken.filter(({ to }) => to.includes(email));
    /** What the bridge knows of the only message to somebody. */
    const toldOf = async (email: string) =>
      (await bridge.admin("GET", `/messages?mappingId=${mappingId}&address=${email}`)).body.items[0];

    test("is found to be set rightly before, and reaches the person once", async () => {
      const { body } = await bridge.admin("POST", `/mappings/${mappingId}/check`);
      const checked = ["credentials", "folder", "sending"].map((check) =>
        expect.objectContaining({ check, state: "ok" }),
      );
      expect(body.checks).toEqual(expect.arrayContaining(checked));
      const message = write("bea@vale.test", "Grüße aus Köln");
      await untilStatus(message, "sent");
      await untilQueueIsEmpty();
      expect(takenFor("bea@vale.test")).toMatchObject([{ from: login.user, raw: expect.stringContaining("=C3=BC") }]);
    });

    test.each(smtpSteps)("whose connection is cut after %s is sent once, or is told of as failed", async (step) => {
      const email = `${step.replaceAll(" ", "-").toLowerCase()}@vale.test`;
      // A mail goes by a connection that stands, and the first of these steps are of a new one.
      cutter.cutAll();
      cutter.cutAt = step;
      const message = write(email, `cut after ${step}`, `<p>${"Grüße ".repeat(30_000)}</p>`);
      const mayHaveGoneOut = new Set<SmtpStep>(["all of it but its end", "its end"]).has(step);
      await untilStatus(message, mayHaveGoneOut ? "failed" : "sent");
      expect(cutter.cutAt).toBeUndefined();
      await untilQueueIsEmpty();
      expect(takenFor(email)).toHaveLength(step === "all of it but its end" ? 0 : 1);
      if (mayHaveGoneOut) expect((await toldOf(email)).error.message).toContain("nobody can say whether it went out");
    });

    test("and is told of as failed though it went out, is answered in its thread", async () => {
      cutter.cutAt = "its end";
      const message = write("dan@vale.test", "Did it arrive?");
      await untilStatus(message, "failed");
      await untilQueueIsEmpty();
      const [, id = ""] = /^Message-ID: (<.+>)/im.exec(takenFor("dan@vale.test")[0]?.raw ?? "") ?? [];
      const headers = ["From: dan@vale.test", `To: ${login.user}`, "Subject: It did", "Message-ID: <it-did@vale.test>"];
      await mailbox.append([...headers, `In-Reply-To: ${id}`, "", "Yes", ""].join("\r\n"));
      const answer = await until(
        () => messages().find(({ subject }) => subject === "It did"),
        (found) => found !== undefined,
      );
      expect(answer?.threadId).toBe(message.threadId);
    });

    test("to somebody whom it refuses is failed in its words", async () => {
      const message = write("closed@vale.test", "Refused");
      await untilStatus(message, "failed");
      const { error } = await toldOf("closed@vale.test");
      expect(error).toMatchObject({ code: "550 5.1.1", message: expect.stringContaining("nobody of this name") });
      expect(takenFor("closed@vale.test")).toEqual([]);
    });

    test("and that the next server refuses is failed by the report that comes back, and no other is", async () => {
      const [good, bad] = [write("cem@vale.test", "Taken"), write("nobody@vale.test", "Refused later")];
      await untilStatus(good, "sent");
      await untilStatus(bad, "sent");
      const [report] = await until(
        () => takenFor(login.user),
        (all) => all.length > 0,
      );
      await mailbox.append(report?.raw ?? "");
      await untilStatus(bad, "failed");
      const { error } = await toldOf("nobody@vale.test");
      expect(error).toMatchObject({ code: "5.1.1", message: expect.stringContaining("nobody of this name") });
      expect(good.status).toBe("sent");
      expect(
        messages()
          .filter(({ direction }) => direction === "inbound")
          .map(({ subject }) => subject),
      ).not.toContain("Undelivered Mail Returned to Sender");
    });
  });
});
