import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface Connection {
  /** Posts one request that was written beforehand, and gives the answer's status when all of it is here. */
  post(request: Buffer): Promise<number>;
  /** A server closes a connection that nothing was asked on for too long, and may say so before. */
  isOpen(): boolean;
  close(): void;
}

/**
 * A keep-alive connection with one request at a time and no more HTTP than that needs: the client shares the machine's
 * cores with whom it measures, and node:http costs several times as much as this.
 */
export async function openConnection(port: number): Promise<Connection> {
  const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  let received = "";
  let settle: ((status: number) => void) | undefined;
  let fail: ((error: Error) => void) | undefined;
  let broken: Error | undefined;
  const breakOff = (error: Error) => {
    broken ??= error;
    fail?.(broken);
  };
  socket.on("error", breakOff);
  socket.on("close", () => breakOff(new Error("the connection was closed")));
  socket.on("data", (chunk) => {
    if (!settle) return breakOff(new Error("the server spoke unasked"));
    received = received === "" ? chunk.toString("latin1") : received + chunk.toString("latin1");
    if (!isWhole(received)) return;
    const status = Number(received.slice(9, 12));
    received = "";
    const answered = settle;
    settle = undefined;
    answered(status);
  });
  return {
    post: (request) =>
      new Promise((resolve, reject) => {
        if (broken) return reject(broken);
        settle = resolve;
        fail = reject;
        socket.write(request);
      }),
    isOpen: () => broken === undefined,
    close: () => {
      socket.removeAllListeners("close");
      socket.destroy();
    },
  };
}

function isWhole(received: string): boolean {
  const bodyAt = received.indexOf("\r\n\r\n") + 4;
  if (bodyAt === 3) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, bodyAt))?.[1];
  if (length !== undefined) return received.length >= bodyAt + Number(length);
  if (/\r\ntransfer-encoding: *chunked/i.test(received.slice(0, bodyAt))) return received.endsWith("0\r\n\r\n");
  return true;
}
