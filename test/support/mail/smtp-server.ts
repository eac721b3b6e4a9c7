import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { tlsOfLocalhost } from "./tls.ts";

export interface TakenMail {
  from: string;
  to: string[];
  raw: string;
}

export interface TestSmtp {
  port: number;
  /** Each mail that was taken, in its order. */
  taken: TakenMail[];
  /** How often somebody logged in. */
  logins: number;
  stop(): Promise<void>;
}

export const login = { user: "box@ours.test", password: "secret-of-the-box" };

/** What is refused, by the address: `full@…` for now, `nobody@…` for ever. */
const refusals: Record<string, [code: number, words: string]> = {
  full: [452, "4.2.2 The mailbox is full"],
  nobody: [550, "5.1.1 There is nobody of this name"],
  busy: [450, "4.7.1 Greylisted, come again"],
};

/** A server of mail that takes what the box sends, and keeps it. */
export async function startSmtp(options: SMTPServerOptions = {}): Promise<TestSmtp> {
  const refusalOf = (address: string) => {
    const [code, words] = refusals[address.split("@")[0] ?? ""] ?? [];
    return code === undefined ? undefined : Object.assign(new Error(words), { responseCode: code });
  };
  const server = new SMTPServer({
    ...tlsOfLocalhost,
    ...{ secure: true, logger: false, disableReverseLookup: true, authMethods: ["PLAIN", "LOGIN", "XOAUTH2"] },
    onAuth({ method, username, password, accessToken }, _session, done) {
      smtp.logins++;
      const isRight = method === "XOAUTH2" ? accessToken === "a-token" : password === login.password;
      if (username === login.user && isRight) return done(null, { user: username });
      done(Object.assign(new Error("5.7.8 Wrong password"), { responseCode: 535 }));
    },
    onMailFrom: ({ address }, _session, done) =>
      address.endsWith("@ours.test")
        ? done()
        : done(Object.assign(new Error("5.7.1 Not your address"), { responseCode: 553 })),
    onRcptTo: ({ address }, _session, done) => done(refusalOf(address)),
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const raw = Buffer.concat(chunks).toString("latin1");
        if (raw.includes("too large")) {
          return done(Object.assign(new Error("5.3.4 Too large"), { responseCode: 552 }));
        }
        const from = envelope.mailFrom ? envelope.mailFrom.address : "";
        smtp.taken.push({ from, to: envelope.rcptTo.map(({ address }) => address), raw });
        done(null, "2.0.0 Taken");
      });
    },
    ...options,
  });
  server.on("error", () => undefined);
  const smtp: TestSmtp = {
    ...{ port: 0, taken: [], logins: 0 },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.server.address();
  smtp.port = typeof address === "object" && address ? address.port : 0;
  return smtp;
}
