import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import hoodiecrow from "hoodiecrow-imap";
import { freePort } from "../postgres.ts";
import { spawnChild } from "../spawn-child.ts";
import { until } from "../until.ts";
import { login } from "./smtp-server.ts";
import { files, tlsOfLocalhost } from "./tls.ts";

export interface TestImap {
  name: string;
  port: number;
  /** Puts a mail into a folder, as if it had come at that time. */
  append(raw: string, options?: { folder?: string; at?: Date }): Promise<void>;
  /** The subjects of the mails in a folder. */
  subjects(folder?: string): Promise<string[]>;
  /** As after a repair: all mails are there, under other numbers. */
  renumber(): Promise<void>;
  stop(): Promise<void>;
}

const whyNoDovecot = findWhyNoDovecot();
if (whyNoDovecot !== undefined) process.stdout.write(`The tests with Dovecot are skipped: ${whyNoDovecot}\n`);

/** The servers that the tests run against: one of npm's, and Dovecot where it is installed. */
export const imapServers: { name: string; start: () => Promise<TestImap> }[] = [
  { name: "hoodiecrow", start: startHoodiecrow },
  ...(whyNoDovecot === undefined ? [{ name: "dovecot", start: startDovecot }] : []),
];

async function startHoodiecrow(): Promise<TestImap> {
  const server = hoodiecrow({
    ...{ secureConnection: true, credentials: { ...tlsOfLocalhost } },
    plugins: ["ID", "IDLE", "AUTH-PLAIN", "SASL-IR", "XOAUTH2", "ENABLE", "UIDPLUS", "MOVE"],
    users: {
      [login.user]: { password: login.password, xoauth2: { accessToken: "a-token", sessionTimeout: 3_600_000 } },
    },
    storage: { INBOX: { messages: [] }, "": { folders: { Done: {} } } },
  });
  // As some servers guess it, and others have it wrong after a repair.
  server.fetchHandlers["RFC822.SIZE"] = (_connection, { raw }) => Math.min(raw.length, 10_000);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    name: "hoodiecrow",
    port: server.server.address().port,
    append: async (raw, { folder = "INBOX", at = new Date() } = {}) =>
      server.appendMessage(folder, [], imapDate(at), raw),
    subjects: async (folder = "INBOX") => server.getMailbox(folder).messages.map(({ raw }) => subjectOf(raw)),
    async renumber() {
      const mailbox = server.getMailbox("INBOX");
      mailbox.uidvalidity += 1;
      for (const [index, message] of mailbox.messages.entries()) message.uid = index + 1;
      mailbox.uidnext = mailbox.messages.length + 1;
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const subjectOf = (raw: string) => /^Subject: (.*)$/m.exec(raw)?.[1]?.trim() ?? "";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
function imapDate(at: Date): string {
  const day = `${String(at.getUTCDate()).padStart(2, " ")}-${months[at.getUTCMonth()]}-${at.getUTCFullYear()}`;
  return `${day} ${at.toISOString().slice(11, 19)} +0000`;
}

function findWhyNoDovecot(): string | undefined {
  if (!["/usr/sbin/dovecot", "/usr/bin/doveadm"].every((file) => existsSync(file)))
    return "there is no Dovecot on this machine";
  // It gives up its rights, which takes having them.
  if (process.getuid?.() !== 0) return "Dovecot starts as root alone";
  const version = execFileSync("/usr/sbin/dovecot", ["--version"], { encoding: "utf8" }).trim();
  return version.startsWith("2.3.") ? undefined : `their settings are those of Dovecot 2.3, and this is ${version}`;
}

async function startDovecot(): Promise<TestImap> {
  const folder = mkdtempSync(join(tmpdir(), "dovecot-"));
  const port = await freePort();
  const mails = join(folder, "mails");
  mkdirSync(mails, { mode: 0o777 });
  execFileSync("chmod", ["-R", "777", mails]);
  execFileSync("chmod", ["755", folder]);
  const config = join(folder, "dovecot.conf");
  writeFileSync(config, dovecotConfig(folder, port));
  const server = spawnChild("/usr/sbin/dovecot", ["-F", "-c", config], { stdio: "ignore", endBy: "SIGTERM" });
  const doveadm = (...args: string[]) =>
    execFileSync("/usr/bin/doveadm", ["-c", config, ...args], { encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });
  await until(
    () => canConnect(port),
    (isUp) => isUp,
  );
  return {
    name: "dovecot",
    port,
    async append(raw, { folder: box = "INBOX", at = new Date() } = {}) {
      const { ImapFlow } = await import("imapflow");
      const auth = { user: login.user, pass: login.password };
      const tls = { ca: tlsOfLocalhost.cert };
      const client = new ImapFlow({ host: "localhost", port, secure: true, auth, tls, logger: false });
      await client.connect();
      await client.append(box, raw, [], at);
      await client.logout();
    },
    async subjects(box = "INBOX") {
      const found = doveadm("-f", "tab", "fetch", "-u", login.user, "hdr.subject", "mailbox", box);
      return found.split("\n").slice(1).filter(Boolean);
    },
    async renumber() {
      doveadm("mailbox", "create", "-u", login.user, "Renumbered");
      doveadm("move", "-u", login.user, "Renumbered", "mailbox", "INBOX", "all");
      const validity = Math.floor(Date.now() / 1000) + 1000;
      doveadm("mailbox", "update", "-u", login.user, "--uid-validity", String(validity), "INBOX");
      doveadm("move", "-u", login.user, "INBOX", "mailbox", "Renumbered", "all");
    },
    async stop() {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const dovecotConfig = (folder: string, port: number) => `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <${files.cert}
ssl_key = <${files.key}
mail_location = maildir:${folder}/mails/%u
mail_uid = 65534
mail_gid = 65534
first_valid_uid = 100
mail_max_userip_connections = 100
auth_failure_delay = 0
passdb {
  driver = static
  args = password=${login.password}
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=${folder}/mails/%u
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${port}
    ssl = yes
  }
}
namespace inbox {
  inbox = yes
  mailbox Done {
    auto = create
  }
}
`;

async function canConnect(port: number): Promise<boolean> {
  const { connect } = await import("node:net");
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
