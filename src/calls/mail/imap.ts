import type { Socket } from "node:net";
import type { ImapFlow } from "imapflow";
import { Failure } from "../../errors.ts";
import type { CallApi, TokenGrant } from "../call-api.ts";
import { mailboxLimits } from "../limits.ts";
import { mailBroke, mailRefusal } from "./mail-failures.ts";
import {
  type Connect,
  type ConnectOptions,
  createMailConnect,
  type Login,
  type MailServer,
  mailServerOf,
  secure,
} from "./mail-server.ts";

/** A folder of a mailbox that is open. All that it does throws a Failure; after one it is closed. */
export interface OpenMailbox {
  /** Another one says that all numbers of mails are others. https://www.rfc-editor.org/rfc/rfc9051#section-2.3.1.1 */
  uidValidity: number;
  /** What the next mail's number will be at least. */
  uidNext: number;
  /** The mails behind a number, in their order. */
  listAfter(uid: number): Promise<ListedMail[]>;
  /** Those that came at that time or later, as far as the server says. */
  listSince(time: Date): Promise<ListedMail[]>;
  /** The whole mails, or of one of them so many bytes; without those that are gone. A server that says more is left. Marks nothing as read. */
  read(uids: number[], limits: ReadLimits): Promise<{ uid: number; raw: Buffer }[]>;
  /** Moves mails to another folder, which is made where it is missing. */
  move(uids: number[], folder: string): Promise<void>;
  /** Resolves as soon as the server tells of something new, and at the latest after so many seconds. */
  wait(seconds: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ReadLimits {
  maxBytes: number | undefined;
  totalBytes: number;
}

export interface ListedMail {
  uid: number;
  sizeBytes: number;
  receivedAt: Date | undefined;
}

/** Which folder, as `imaps://host/INBOX`, and who logs in: as in an ApiRequest. */
export interface MailboxRequest {
  url: string;
  headers: Record<string, string>;
  grant?: TokenGrant | undefined;
  /** Are mails moved out of it? Else nothing in it is changed. */
  isToMove: boolean;
}

export type OpenMailboxOf = (request: MailboxRequest) => Promise<OpenMailbox>;

export function createImap(options: ConnectOptions): { open: OpenMailboxOf; look: CallApi } {
  const connect = createMailConnect(options);

  const open: OpenMailboxOf = async ({ url, headers, isToMove }) => {
    const server = mailServerOf(url, headers["authorization"]);
    const { client, bytesRead } = await newClient(options, connect, server);
    const run: Run = async (work, mailBytes = 0) => {
      const most = bytesRead() + mailboxLimits.stepBytes + 2 * mailBytes;
      const isFlood = () => bytesRead() > most;
      const looking = setInterval(() => isFlood() && client.close(), mailboxLimits.lookMs);
      try {
        const result = await work();
        if (isFlood()) throw new Error("it came between two looks");
        return result;
      } catch (error) {
        client.close();
        if (isFlood()) throw mailBroke(new SaysTooMuch(), server, false);
        throw error instanceof Failure ? error : asFailure(error as ImapError, server);
      } finally {
        clearInterval(looking);
      }
    };
    await run(() => client.connect());
    const { uidValidity, uidNext } = await run(() =>
      client.mailboxOpen(server.path, { readOnly: !isToMove }).catch((error: ImapError) => {
        const words = `there is no folder ${server.path} that can be opened: ${error.responseText ?? error.message}`;
        throw error.responseStatus ? mailRefusal(404, "NO", words) : error;
      }),
    );
    return { ...operations(client, run), uidValidity: Number(uidValidity), uidNext };
  };

  /** Logs in and looks whether the folder is there: `GET imaps://host/INBOX` in the manner of `callApi`. */
  const look: CallApi = async ({ url, headers }) => {
    const mailbox = await open({ url, headers, isToMove: false });
    await mailbox.close();
    return { status: 200, headers: {}, body: { uidNext: mailbox.uidNext } };
  };
  return { open, look };
}

class SaysTooMuch extends Error {
  override message = "it says more than anybody asked for";
}

/** Did it go wrong as the server said much more than it was asked for, and not by the connection? */
export const saidTooMuch = (failure: unknown): failure is Failure =>
  failure instanceof Failure && failure.cause instanceof SaysTooMuch;

/** No longer than networks on the way forget a connection on which nothing is said. */
const maxIdleMs = 4 * 60_000;

async function newClient(
  { timeoutSeconds, ca }: ConnectOptions,
  connect: Connect,
  server: MailServer,
): Promise<{ client: ImapFlow; bytesRead: () => number }> {
  let raw: Socket | undefined;
  // A fifth of all that a process loads, which few need.
  const { ImapFlow } = await import("imapflow");
  const timeout = timeoutSeconds * 1000;
  const client = new ImapFlow({
    ...{ host: server.host, port: server.port, secure: server.isImplicit, auth: authOf(server.login) },
    ...(server.isImplicit ? {} : { doSTARTTLS: true }),
    ...{ logger: false, disableAutoEnable: true, autoIdleDelay: 50, maxIdleTime: maxIdleMs },
    ...{ connectionTimeout: timeout, greetingTimeout: timeout, socketTimeout: maxIdleMs + timeout },
    transport: {
      connect({ secure: isSecure }, onConnect) {
        const socket = connect(server);
        raw = socket;
        if (!isSecure) return socket.once("connect", onConnect);
        return secure(socket, server, ca).once("secureConnect", onConnect);
      },
      upgrade: (socket, _options, onSecure) => secure(socket as never, server, ca).once("secureConnect", onSecure),
    },
  });
  // Whatever it is about rejects by itself.
  client.on("error", () => undefined);
  return { client, bytesRead: () => raw?.bytesRead ?? 0 };
}

function authOf(login: Login) {
  return "password" in login ? { user: login.user, pass: login.password } : login;
}

/** Does a step of it, for which the server may say as much as a step takes, and mails of so many bytes. Throws a Failure. */
type Run = <Result>(work: () => Promise<Result>, mailBytes?: number) => Promise<Result>;

function operations(client: ImapFlow, run: Run): Omit<OpenMailbox, "uidValidity" | "uidNext"> {
  const about = { uid: true, size: true, internalDate: true } as const;
  const list = async (range: string): Promise<ListedMail[]> => {
    const found = await run(() => client.fetchAll(range, about, { uid: true }));
    const listed = found.map(({ uid, size = 0, internalDate }) => {
      return { uid, sizeBytes: size, receivedAt: internalDate === undefined ? undefined : new Date(internalDate) };
    });
    return listed.sort((a, b) => a.uid - b.uid);
  };
  return {
    // `7:*` names the last mail also where its number is smaller.
    listAfter: async (uid) => (await list(`${uid + 1}:*`)).filter((each) => each.uid > uid),
    async listSince(time) {
      // By the day, and in the server's zone.
      const since = new Date(time.getTime() - 86_400_000);
      const uids = (await run(() => client.search({ since }, { uid: true }))) || [];
      const listed = uids.length === 0 ? [] : await list(uids.join(","));
      return listed.filter(({ receivedAt }) => receivedAt === undefined || receivedAt >= time);
    },
    async read(uids, { maxBytes, totalBytes }) {
      const source = maxBytes === undefined ? true : { start: 0, maxLength: maxBytes };
      const found = await run(() => client.fetchAll(uids.join(","), { uid: true, source }, { uid: true }), totalBytes);
      return found.flatMap(({ uid, source: raw }) => (raw ? { uid, raw } : [])).sort((a, b) => a.uid - b.uid);
    },
    async move(uids, folder) {
      await run(async () => {
        if (await client.messageMove(uids.join(","), folder, { uid: true })) return;
        await client.mailboxCreate(folder);
        await client.messageMove(uids.join(","), folder, { uid: true });
      });
    },
    wait: (seconds, signal) => run(() => waitFor(client, seconds, signal)),
    close: () => client.logout().catch(() => client.close()),
  };
}

function waitFor(client: ImapFlow, seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error) => {
      clearTimeout(timer);
      client.off("exists", onNews).off("close", onClose);
      signal.removeEventListener("abort", onNews);
      if (error) reject(error);
      else resolve();
    };
    const onNews = () => end();
    const onClose = () => end(new Error("the connection was closed"));
    const timer = setTimeout(onNews, seconds * 1000);
    client.on("exists", onNews).on("close", onClose);
    signal.addEventListener("abort", onNews);
    if (signal.aborted) onNews();
    else if (!client.usable) onClose();
  });
}

/** What imapflow tells of a failure. */
interface ImapError extends Error {
  authenticationFailed?: boolean;
  responseStatus?: string;
  responseText?: string;
  serverResponseCode?: string;
}

/** https://www.rfc-editor.org/rfc/rfc5530 */
function asFailure(error: ImapError, server: MailServer): Failure {
  const { authenticationFailed, serverResponseCode } = error;
  const words = error.responseText ?? error.message;
  if (serverResponseCode === "UNAVAILABLE" || serverResponseCode === "INUSE")
    return mailRefusal(503, serverResponseCode, words);
  if (serverResponseCode === "LIMIT" || serverResponseCode === "OVERQUOTA")
    return mailRefusal(429, serverResponseCode, words);
  if (authenticationFailed) return mailRefusal(401, serverResponseCode ?? "NO", words);
  return mailBroke(error, server, false);
}
