import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import { type Certificate, makeCertificate } from "./certificate.ts";

export interface TlsServer {
  port: number;
  /** The certificate that it begins with. */
  good: Certificate;
  /** From now on with this one, for connections that begin anew: those that there are, are cut. Or none gets through its handshake. */
  serve(what: Certificate | "broken handshakes"): void;
  stop(): Promise<void>;
}

/** Speaks TLS before a server that does not. */
export async function startTlsServer(targetPort: number): Promise<TlsServer> {
  const good = makeCertificate(new Date("2049-01-01T00:00:00Z"));
  const open = new Set<Socket>();
  let breaksHandshakes = false;
  const server = createServer(good, (client) => {
    const target = connect(targetPort, "127.0.0.1");
    const end = () => {
      client.destroy();
      target.destroy();
    };
    for (const socket of [client, target]) socket.on("error", end).on("close", end);
    client.pipe(target).pipe(client);
  });
  server.on("tlsClientError", () => undefined);
  server.on("connection", (socket: Socket) => {
    if (breaksHandshakes) return void socket.destroy();
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cutAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    good,
    serve(what) {
      breaksHandshakes = what === "broken handshakes";
      if (what !== "broken handshakes") server.setSecureContext(what);
      cutAll();
    },
    async stop() {
      const closed = once(server, "close");
      server.close();
      cutAll();
      await closed;
    },
  };
}
