import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Exchange } from "./openapi.ts";

export interface Recorder {
  url: string;
  /** All that went through since it was asked last, in that order. */
  take(): Exchange[];
  stop(): Promise<void>;
}

/** Stands before a server, and keeps what is said on either side, byte for byte. */
export async function startRecorder(targetUrl: string): Promise<Recorder> {
  let exchanges: Exchange[] = [];
  const server = createServer(async (req, res) => {
    const body = await buffer(req);
    const { method = "", url = "" } = req;
    const { host: _host, connection: _connection, "transfer-encoding": _encoding, ...given } = req.headers;
    const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
    const answer = await fetch(`${targetUrl}${url}`, {
      ...{ method, headers, redirect: "manual" },
      ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
    });
    const answered = Buffer.from(await answer.arrayBuffer());
    const contentType = answer.headers.get("content-type") ?? "";
    exchanges.push({ method, url, headers, body, answer: { status: answer.status, contentType, body: answered } });
    res.writeHead(answer.status, { "content-type": contentType }).end(answered);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = exchanges;
      exchanges = [];
      return taken;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
