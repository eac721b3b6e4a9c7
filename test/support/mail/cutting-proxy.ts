import net from "node:net";

/** Where a connection is cut: after so many bytes of what one side says. */
export interface Cut {
  from: "client" | "server";
  afterBytes: number;
}

export interface CuttingProxy {
  port: number;
  /** Of the next connections; undefined lets them be. */
  cut: Cut | undefined;
  /** How many bytes the longest connection had so far from each side. */
  bytes: { client: number; server: number };
  connections: number;
  /** How many connections were cut. */
  cuts: number;
  /** Cuts what is connected now, and keeps new ones out until `isOpen` is set again. */
  isOpen: boolean;
  cutAll(): void;
  stop(): Promise<void>;
}

/** Stands before a server and breaks connections where it is told to: what was said before that has arrived. */
export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    proxy.connections++;
    if (!proxy.isOpen) return void client.destroy();
    const upstream = net.connect(target, "127.0.0.1");
    const { cut } = proxy;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true).on("error", end).on("close", end);
      socket.on("close", () => sockets.delete(socket));
    }
    const carry = (from: net.Socket, to: net.Socket, side: Cut["from"]) => {
      let count = 0;
      from.on("data", (chunk: Buffer) => {
        const left = cut?.from === side ? cut.afterBytes - count : Number.POSITIVE_INFINITY;
        count += chunk.length;
        proxy.bytes[side] = Math.max(proxy.bytes[side], count);
        if (chunk.length < left) return void to.write(chunk);
        proxy.cuts++;
        // What was let through arrives; the other side learns of the end at once.
        to.write(chunk.subarray(0, left), () => setTimeout(end, 5));
        from.pause();
        if (side === "server") upstream.destroy();
      });
    };
    carry(client, upstream, "client");
    carry(upstream, client, "server");
  });
  const proxy: CuttingProxy = {
    ...{ port: 0, cut: undefined, bytes: { client: 0, server: 0 }, connections: 0, cuts: 0, isOpen: true },
    cutAll() {
      for (const socket of sockets) socket.destroy();
    },
    stop() {
      proxy.cutAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.port = (server.address() as net.AddressInfo).port;
  return proxy;
}
