import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** What becomes of a request on its way through. */
export type Fate =
  | "pass"
  /** Cut before any of it arrives. */
  | "cut request"
  /** It arrives, and the connection is cut before the answer. */
  | "lose answer"
  /** It arrives, and the connection is cut in the middle of the answer. */
  | "cut answer"
  /** It arrives, and nothing comes back. */
  | "swallow answer"
  /** It arrives, and what comes back is no HTTP. */
  | "garbage";

/** `client` stands for the connection. */
export type Draw = (request: Buffer, client: Socket) => Fate;

export interface TcpProxy {
  port: number;
  /** Asked for each piece that comes from a client: with small requests on a keep-alive connection, for each of them. */
  setFate(draw: Draw): void;
  /** Whether connections are refused, and those that there are cut. */
  setDown(isDown: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** Stands before a server on this machine, and breaks what goes through in ways that no server would. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let draw: Draw = () => "pass";
  const open = new Set<Socket>();
  const server = createServer((client) => pass(client, targetPort, (request, from) => draw(request, from), open));
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const { port } = address;
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  };
  return {
    port,
    setFate: (next) => {
      draw = next;
    },
    setDown: (isDown) => (isDown ? close() : listen(port)),
    stop: close,
  };
}

function pass(client: Socket, targetPort: number, draw: Draw, open: Set<Socket>): void {
  const target = connect(targetPort, "127.0.0.1");
  let fate: Fate = "pass";
  const end = () => {
    client.destroy();
    target.destroy();
  };
  for (const socket of [client, target]) {
    open.add(socket);
    socket.on("error", end).on("close", () => {
      open.delete(socket);
      end();
    });
  }
  client.on("data", (chunk) => {
    fate = draw(chunk, client);
    if (fate === "cut request") end();
    else target.write(chunk);
  });
  const passAnswer: Record<Fate, (chunk: Buffer) => void> = {
    pass: (chunk) => void client.write(chunk),
    "cut request": () => undefined,
    "lose answer": end,
    "cut answer": (chunk) => void client.write(chunk.subarray(0, chunk.length / 2), end),
    "swallow answer": () => undefined,
    garbage: () => void client.write(Buffer.from("15030300020228", "hex"), end),
  };
  target.on("data", (chunk) => passAnswer[fate](chunk));
}
