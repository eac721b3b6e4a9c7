import type { Readable } from "node:stream";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import XOAuth2 from "nodemailer/lib/xoauth2";
import { type Connect, type ConnectOptions, type Login, type MailServer, tlsOptions } from "./mail-server.ts";
import type { SmtpError } from "./smtp-refusals.ts";

/** A connection to a server of mail, logged in. All that it does rejects with an SmtpError. */
export interface SmtpSession {
  /** Hands a mail over; the pieces are read once the server is ready for them. */
  send(envelope: { from: string; to: string[] }, pieces: Readable, signal: AbortSignal): Promise<SmtpSent>;
  /** Does it still stand? */
  isAlive(): Promise<boolean>;
  close(): void;
}

export interface SmtpSent {
  response: string;
  /** Where the server names another Message-ID by which the mail goes out, as those of Microsoft 365 do. */
  serverMessageId?: string;
  /** Recipients who were refused, while others were taken. */
  rejectedErrors: SmtpError[];
}

/** A report of failure names the mail by its headers, which is enough. */
const reports = { ret: "HDRS", notify: ["FAILURE"] };

export async function openSession(
  { connect, timeoutSeconds, ca }: Pick<ConnectOptions, "timeoutSeconds" | "ca"> & { connect: Connect },
  server: MailServer,
  signal: AbortSignal,
): Promise<SmtpSession> {
  const timeout = timeoutSeconds * 1000;
  const socket = connect(server);
  const connection = new SMTPConnection({
    ...{ host: server.host, port: server.port, socket: undefined, connection: socket },
    ...{ secure: server.isImplicit, requireTLS: true, tls: tlsOptions(ca), logger: false },
    ...{ connectionTimeout: timeout, greetingTimeout: timeout, socketTimeout: timeout },
  });
  /** Ends with what it is for, or with whatever ends the connection before. */
  const step = <Result>(begin: (done: (error?: Error | null, result?: Result) => void) => void, ended: AbortSignal) =>
    new Promise<Result>((resolve, reject) => {
      const broken = (error?: Error) => finish(() => reject(error ?? new Error("the connection was closed")));
      const given = () => broken(new Error("it took too long"));
      const finish = (end: () => void) => {
        connection.off("error", broken).off("end", broken);
        ended.removeEventListener("abort", given);
        end();
      };
      connection.on("error", broken).on("end", broken);
      ended.addEventListener("abort", given);
      if (ended.aborted) return given();
      begin((error, result) => finish(() => (error ? reject(error) : resolve(result as Result))));
    });
  connection.on("error", () => undefined);
  try {
    await step<void>((done) => whenConnected(socket, done), signal);
    await step<void>((done) => connection.connect(done), signal);
    await step<unknown>((done) => connection.login(authOf(server.login), done), signal);
  } catch (error) {
    socket.destroy();
    connection.close();
    throw error;
  }
  return {
    send: (envelope, pieces, ended) =>
      step((done) => connection.send({ ...envelope, dsn: reports }, pieces, done as never), ended),
    isAlive: () =>
      step<unknown>((done) => connection.reset(done), AbortSignal.timeout(aliveMs)).then(
        () => true,
        () => false,
      ),
    close: () => connection.close(),
  };
}

const aliveMs = 3000;

function whenConnected(socket: ReturnType<Connect>, done: (error?: Error) => void): void {
  socket.once("error", done);
  socket.once("connect", () => {
    socket.off("error", done);
    done();
  });
}

function authOf(login: Login) {
  if ("password" in login) return { credentials: { user: login.user, pass: login.password } };
  const { user, accessToken } = login;
  // Asked for another one, it has none.
  const provisionCallback = (_user: string, _renew: boolean, done: (error: null, token: string) => void) =>
    done(null, accessToken);
  return { user, method: "XOAUTH2", oauth2: new XOAuth2({ ...login, provisionCallback }) };
}
