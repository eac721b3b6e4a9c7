import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./postgres.ts";

export interface Pooler {
  /** Of this database, through the pooler. */
  urlOf(databaseUrl: string): string;
  stop(): Promise<void>;
}

const sessions = 4;

/** PgBouncer, as Debian has it. */
export function hasPgbouncer(): boolean {
  try {
    execFileSync("pgbouncer", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** PgBouncer in transaction mode, with its defaults: https://www.pgbouncer.org/config.html */
export async function startPgbouncer(serverUrl: string, more = ""): Promise<Pooler> {
  const folder = mkdtempSync(join(tmpdir(), "pgbouncer-"));
  chmodSync(folder, 0o777);
  const [port, { hostname, port: serverPort }] = [await freePort(), new URL(serverUrl)];
  const ini = `[databases]\n* = host=${hostname} port=${serverPort} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1
listen_port = ${port}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = ${sessions}\nunix_socket_dir =
pidfile = ${folder}/pid\nserver_round_robin = 1\n${more}\n`;
  writeFileSync(join(folder, "pgbouncer.ini"), ini);
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn("pgbouncer", [join(folder, "pgbouncer.ini")], { stdio: "ignore", ...user });
  const ended = once(child, "exit");
  await untilListening(port);
  return {
    urlOf: (url) => through(url, port),
    async stop() {
      child.kill("SIGINT");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Does what PgBouncer does in transaction mode, and refuses what it refuses: each transaction gets the next of a few
 * sessions, so that what was set, named or listened to in the last one is not there; and of start-up parameters only those
 * are taken that it keeps track of.
 */
export async function startStandInPooler(serverUrl: string): Promise<Pooler> {
  const { hostname, port: serverPort } = new URL(serverUrl);
  const pools = new Map<string, ReturnType<typeof createSessions>>();
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client.on("error", () => undefined).on("close", () => sockets.delete(client)));
    void serve(client, (startup) => {
      const key = `${startup["user"]} ${startup["database"]}`;
      const open = () => openSession({ hostname, port: Number(serverPort) }, startup, sockets);
      const pool = pools.get(key) ?? createSessions(open);
      pools.set(key, pool);
      return pool;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    urlOf: (url) => through(url, port),
    async stop() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const through = (url: string, port: number) => {
  const { username, pathname } = new URL(url);
  return `postgres://${username}@127.0.0.1:${port}${pathname}`;
};

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await sleep(50);
  }
  throw new Error("the pooler did not start");
}

interface Session {
  socket: Socket;
  onMessage: (type: string, whole: Buffer) => void;
}

type Sessions = ReturnType<typeof createSessions>;

/** A few, of which whoever waits longest gets the one that was given back first. */
function createSessions(open: () => Promise<Session>) {
  const free: Session[] = [];
  const waiting: ((session: Session) => void)[] = [];
  let opened = 0;
  const give = (session: Session) => {
    const next = waiting.shift();
    if (next) next(session);
    else free.push(session);
  };
  return {
    give,
    async take(): Promise<Session> {
      if (opened < sessions) {
        opened++;
        return open();
      }
      return free.shift() ?? new Promise<Session>((resolve) => waiting.push(resolve));
    },
    async lose(session: Session): Promise<void> {
      session.socket.destroy();
      give(await open());
    },
  };
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
async function serve(client: Socket, poolOf: (startup: Record<string, string>) => Sessions): Promise<void> {
  let pool: Sessions | undefined;
  let session: Session | undefined;
  let taking: Promise<void> | undefined;
  let unanswered = 0;
  const forward = async (type: string, whole: Buffer) => {
    if (type === "X") return void client.end();
    if (type === "Q" || type === "S") unanswered++;
    taking ??= pool?.take().then((taken) => {
      session = taken;
      taken.onMessage = (kind, answer) => {
        client.write(answer);
        if (kind !== "Z") return;
        unanswered--;
        if (unanswered > 0 || String.fromCharCode(answer[5] ?? 0) !== "I") return;
        [session, taking] = [undefined, undefined];
        pool?.give(taken);
      };
    });
    await taking;
    session?.socket.write(whole);
  };
  client.on("close", () => {
    if (session) void pool?.lose(session);
  });
  let order = Promise.resolve();
  const readMessages = createReader((type, whole) => {
    order = order.then(() => forward(type, whole));
  });
  let read: ((chunk: Buffer) => void) | undefined;
  client.on("data", (chunk: Buffer) => {
    if (read) return read(chunk);
    if (chunk.readInt32BE(4) === 80_877_103) return void client.write("N");
    const startup = readStartup(chunk);
    const unsupported = Object.keys(startup).find((name) => !tracked.has(name.toLowerCase()));
    read = unsupported ? () => undefined : readMessages;
    if (unsupported) return void client.end(refusal(`unsupported startup parameter: ${unsupported}`));
    pool = poolOf(startup);
    client.write(welcome);
  });
}

const tracked = new Set(["user", "database", "application_name", "client_encoding", "datestyle", "timezone"]);

function readStartup(chunk: Buffer): Record<string, string> {
  const words = chunk.subarray(8, chunk.readInt32BE(0)).toString().split("\0").slice(0, -2);
  const names = words.filter((_, index) => index % 2 === 0);
  return Object.fromEntries(names.map((name, index) => [name, words[index * 2 + 1] ?? ""]));
}

/** Calls for each whole message, of a type and a length. */
function createReader(onMessage: (type: string, whole: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
      const length = rest.readInt32BE(1) + 1;
      onMessage(String.fromCharCode(rest[0] ?? 0), rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
}

async function openSession(
  to: { hostname: string; port: number },
  { user, database }: Record<string, string>,
  sockets: Set<Socket>,
): Promise<Session> {
  const socket = connect(to.port, to.hostname);
  sockets.add(socket.on("error", () => undefined).on("close", () => sockets.delete(socket)));
  const session: Session = { socket, onMessage: () => undefined };
  const ready = new Promise<void>((resolve) => {
    session.onMessage = (type) => void (type === "Z" && resolve());
  });
  socket.on(
    "data",
    createReader((type, whole) => session.onMessage(type, whole)),
  );
  const body = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(196_608, 4);
  socket.write(Buffer.concat([head, body]));
  await ready;
  return session;
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const refusal = (words: string) => message("E", Buffer.from(`SFATAL\0VFATAL\0C08P01\0M${words}\0\0`));
const welcome = Buffer.concat([
  message("R", Buffer.alloc(4)),
  message("S", Buffer.from("server_version\x0017.0\0")),
  message("S", Buffer.from("client_encoding\0UTF8\0")),
  message("K", Buffer.alloc(8)),
  message("Z", Buffer.from("I")),
]);
