import { Readable } from "node:stream";
import type { ApiAnswer, CallApi } from "../call-api.ts";
import { mailRefusal } from "./mail-failures.ts";
import { type ConnectOptions, createMailConnect, type MailServer, mailServerOf } from "./mail-server.ts";
import { type ComposedMail, composeMail, type OutgoingMail } from "./outgoing-mail.ts";
import { createPool } from "./smtp-pool.ts";
import { refusalOf, type SmtpError, smtpFailure } from "./smtp-refusals.ts";
import { openSession, type SmtpSession } from "./smtp-session.ts";

/**
 * Sends mail by SMTP in the manner of `callApi`: `POST` to `smtps://host` hands an OutgoingMail over and answers 200 with
 * what the server said; `GET` logs in, and no more. TLS always, with a certificate that is the host's. A connection that
 * breaks before the last piece of the mail was written has sent nothing, and is `unreachable`; after that nobody can tell,
 * and it is `outcome_unknown`. What the server refuses has the status by which an HTTP API would say the same.
 */
export function createSmtp(options: ConnectOptions): CallApi & { close(): void } {
  const connect = createMailConnect(options);
  const pool = createPool();

  const callApi: CallApi = async ({ method, url, headers, body, signal: given }) => {
    const server = mailServerOf(url, headers["authorization"]);
    const timeout = AbortSignal.timeout(options.timeoutSeconds * 1000);
    const signal = given ? AbortSignal.any([given, timeout]) : timeout;
    const mail = method === "GET" ? undefined : await composeMail(body as OutgoingMail);
    const open = () =>
      openSession({ ...options, connect }, server, signal).catch((error: SmtpError) => {
        throw smtpFailure(error, server, false);
      });
    const session = (await pool.take(server)) ?? (await open());
    const answer = mail
      ? await hand(session, server, mail, signal)
      : { status: 200, headers: {}, body: { isLoggedIn: true } };
    pool.giveBack(server, session);
    requirePerson(answer.body);
    return answer;
  };
  return Object.assign(callApi, { close: pool.close });
}

/** The largest piece that is written at once. */
const pieceBytes = 65_536;

async function hand(
  session: SmtpSession,
  server: MailServer,
  { messageId, envelope, raw }: ComposedMail,
  signal: AbortSignal,
): Promise<ApiAnswer & { body: Taken }> {
  let hasLeft = false;
  function* pieces() {
    for (let at = 0; at < raw.length; at += pieceBytes) {
      hasLeft = at + pieceBytes >= raw.length;
      yield raw.subarray(at, at + pieceBytes);
    }
  }
  const stream = Readable.from(pieces(), { objectMode: false, highWaterMark: 1 });
  const sent = await session.send(envelope, stream, signal).catch((error: SmtpError) => {
    session.close();
    throw smtpFailure(error, server, hasLeft);
  });
  const { response, rejectedErrors = [], serverMessageId } = sent;
  const refused = rejectedErrors.map((error) => {
    const { message, code = "" } = refusalOf(error);
    return { recipient: error.recipient ?? "", code, message };
  });
  const body = { messageId: serverMessageId ?? messageId, response, refused, person: envelope.to[0] ?? "" };
  return { status: 200, headers: {}, body };
}

interface Taken {
  /** The one that it goes out under. */
  messageId: string;
  response: string;
  refused: { recipient: string; code: string; message: string }[];
  person: string;
}

/** Others have got it by now: it is not sent again, and the person has it not. */
function requirePerson(body: unknown): void {
  const { refused = [], person } = body as Partial<Taken>;
  const ofPerson = refused.find(({ recipient }) => recipient === person);
  if (ofPerson) throw mailRefusal(422, ofPerson.code, `${ofPerson.message}; others whom the email names have it`);
}
