import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { tlsOfLocalhost } from "./tls.ts";

/** How far a client of SMTP comes before it is cut off. */
export const smtpSteps = [
  "the connection",
  ...["EHLO", "AUTH", "MAIL", "RCPT", "DATA"],
  ...["half the mail", "all of it but its end", "its end"],
] as const;
export type SmtpStep = (typeof smtpSteps)[number];

export interface SmtpCutter {
  port: number;
  /** Cuts once, at the next that comes so far: the server has heard that, and what it answers is not heard. */
  cutAt: SmtpStep | undefined;
  cutAll(): void;
  stop(): Promise<void>;
}

/** Stands before a server of SMTP by TLS and understands what is said. */
export async function startSmtpCutter(target: number): Promise<SmtpCutter> {
  const sockets = new Set<tls.TLSSocket>();
  const isCutAt = (step: SmtpStep | undefined) => {
    if (step === undefined || cutter.cutAt !== step) return false;
    cutter.cutAt = undefined;
    return true;
  };
  const server = tls.createServer(tlsOfLocalhost, (client) => {
    const upstream = tls.connect({ port: target, host: "127.0.0.1", servername: "localhost", ca: tlsOfLocalhost.cert });
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", end).on("close", end);
      socket.on("close", () => sockets.delete(socket));
    }
    if (isCutAt("the connection")) return end();
    const read = createReader();
    let isDeaf = false;
    upstream.on("data", (answer: Buffer) => (isDeaf ? end() : client.write(answer)));
    const pass = ({ step, said }: Piece) => {
      if (isDeaf) return;
      const isBeforeEnd = step === "its end" && isCutAt("all of it but its end");
      isDeaf = isBeforeEnd || isCutAt(step);
      if (isBeforeEnd) upstream.write(said.subarray(0, -3), end);
      else if (isDeaf && step === "half the mail") upstream.write(said.subarray(0, said.length / 2), end);
      else upstream.write(said);
    };
    client.on("data", (said: Buffer) => read(said).forEach(pass));
  });
  server.on("tlsClientError", () => undefined);
  const cutter: SmtpCutter = {
    port: 0,
    cutAt: undefined,
    cutAll() {
      for (const socket of sockets) socket.destroy();
    },
    stop() {
      cutter.cutAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cutter.port = (server.address() as AddressInfo).port;
  return cutter;
}

interface Piece {
  step: SmtpStep | undefined;
  said: Buffer;
}

/** What the client says, by commands, of which it says several at once, then by pieces of the mail. */
function createReader(): (said: Buffer) => Piece[] {
  let isMail = false;
  let tail = "";
  return (said) => {
    if (!isMail) {
      const commands = said.toString("latin1").split(/(?<=\r\n)/);
      isMail = commands.at(-1) === "DATA\r\n";
      tail = "";
      return commands.map((command) => {
        return { step: smtpSteps.find((step) => command.startsWith(step)), said: Buffer.from(command, "latin1") };
      });
    }
    tail = (tail + said.toString("latin1")).slice(-5);
    isMail = tail !== "\r\n.\r\n";
    return [{ step: isMail ? "half the mail" : "its end", said }];
  };
}
