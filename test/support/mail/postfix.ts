import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { atExit } from "../at-exit.ts";
import { freePort } from "../postgres.ts";
import { login } from "./smtp-server.ts";
import { files } from "./tls.ts";

export interface TestPostfix {
  /** Where the world hands in mail for the domains that are relayed. */
  port: number;
  /** By TLS, where whoever logs in sends to anybody but `closed@vale.test`. */
  submissionPort: number;
  /** What waits, with why, once it was tried. */
  queue(): Promise<QueuedMail[]>;
  /** Tries at once what waits. */
  flush(): void;
  stop(): Promise<void>;
}

interface QueuedMail {
  queue_name: string;
  sender: string;
  recipients: { address: string; delay_reason?: string }[];
}

/** A folder that the users of mail servers may read as well. */
export function makeMailFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), name));
  chmodSync(folder, 0o755);
  return folder;
}

/** Why Postfix cannot be tried here; undefined where it can. */
export function whyNoPostfix(): string | undefined {
  if (!existsSync("/usr/sbin/postfix")) return "there is no Postfix on this machine";
  return process.getuid?.() === 0 ? undefined : "Postfix starts as root alone";
}

/**
 * The Postfix of this machine, with a folder of its own for all that it reads and writes. What it has no transport for goes
 * to `relayPort`. `main` and `master` are added to the two files of its configuration.
 */
export async function startPostfix(given: {
  folder: string;
  relayPort: number;
  main: string;
  master: string;
}): Promise<TestPostfix> {
  const { folder } = given;
  const [port, submissionPort] = [await freePort(), await freePort()];
  const logins = await startLogins();
  mkdirSync(join(folder, "queue"));
  writeFileSync(join(folder, "main.cf"), `${mainCf({ ...given, loginPort: portOf(logins) })}\n${given.main}`);
  writeFileSync(join(folder, "master.cf"), `${masterCf(port, submissionPort)}\n${given.master}`);
  const stop = atExit(() => execFileSync("/usr/sbin/postfix", ["-c", folder, "stop"], { stdio: "ignore" }));
  await run("/usr/sbin/postfix", ["-c", folder, "start"]).catch((error: { stderr?: string }) => {
    const log = join(folder, "log");
    throw new Error(`Postfix did not start: ${error.stderr} ${existsSync(log) ? readFileSync(log, "utf8") : ""}`);
  });
  return {
    port,
    submissionPort,
    async queue() {
      const { stdout } = await run("/usr/sbin/postqueue", ["-c", folder, "-j"]);
      const lines = stdout.split("\n").filter((line) => line !== "");
      return lines.map((line) => JSON.parse(line) as QueuedMail);
    },
    flush: () => void execFileSync("/usr/sbin/postqueue", ["-c", folder, "-f"]),
    async stop() {
      stop();
      await new Promise((resolve) => logins.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const run = promisify(execFile);

const portOf = (server: Server) => (server.address() as { port: number }).port;

/** https://www.postfix.org/postconf.5.html; the rest is as Debian has it. */
const mainCf = ({ folder, relayPort, loginPort }: { folder: string; relayPort: number; loginPort: number }) => `
compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
maillog_file_prefixes = ${folder}
maillog_file = ${folder}/log
myhostname = mx.ours.test
mydestination =
mynetworks =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
relayhost = [127.0.0.1]:${relayPort}
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{closed@vale.test = 550 5.1.1 There is nobody of this name}}
smtpd_tls_chain_files = ${files.key}, ${files.cert}
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${loginPort}
`;

/** https://www.postfix.org/master.5.html: Debian's, without its jails. */
const masterCf = (port: number, submissionPort: number) => `
127.0.0.1:${port} inet n - n - - smtpd
127.0.0.1:${submissionPort} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;

/**
 * Stands in the place of Dovecot's service `auth`, which Postfix asks who logs in, and knows `login` alone:
 * https://doc.dovecot.org/2.3/developer_manual/design/auth_protocol/
 */
async function startLogins(): Promise<Server> {
  const greeting = [
    "VERSION\t1\t1",
    "MECH\tPLAIN\tplaintext",
    "SPID\t1",
    "CUID\t1",
    `COOKIE\t${"0".repeat(32)}`,
    "DONE",
  ];
  const server = createServer((socket) => {
    socket.on("error", () => undefined).write(`${greeting.join("\n")}\n`);
    createInterface({ input: socket }).on("line", (line) => {
      const [command, id, ...words] = line.split("\t");
      if (command !== "AUTH") return;
      const response = words.find((word) => word.startsWith("resp="))?.slice("resp=".length) ?? "";
      const isKnown = Buffer.from(response, "base64").toString() === `\0${login.user}\0${login.password}`;
      socket.write(isKnown ? `OK\t${id}\tuser=${login.user}\n` : `FAIL\t${id}\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
