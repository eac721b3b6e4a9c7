import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { CanceledError } from "axios";
import { closeDoubtful, distrustOrigin, heedKeepAlive, noteOrigin } from "./idle-connections.ts";

/** Whether a request left, as far as that is certain. */
export interface Departure {
  /** `false` as long as not a byte of the request can have reached the other side. */
  hasLeft: boolean;
  /** What makes the request, and so sees it leave. */
  transport: { request(options: RequestOptions, onResponse: (response: IncomingMessage) => void): ClientRequest };
}

/**
 * A request leaves when its connection stands: a new one by TCP and, over TLS, by a finished handshake; a kept one at
 * once, unless it has been closed by then. A connection that breaks later proves nothing: the other side may have read
 * the request before.
 */
export function createDeparture(signal: AbortSignal): Departure {
  const departure: Departure = {
    hasLeft: false,
    transport: {
      request(options, onResponse) {
        // Axios's adapter rejects what was given up before, and makes the request all the same.
        if (signal.aborted) throw new CanceledError();
        const { agent } = options;
        if (agent instanceof http.Agent) closeDoubtful(agent);
        const request = (options.protocol === "https:" ? https : http).request(options, onResponse);
        request.once("socket", (socket) => {
          if (agent instanceof http.Agent) noteOrigin(agent, originNameOf(options), socket);
          watch(request, socket);
        });
        const distrust = () => distrustOrigin(request.reusedSocket ? request.socket : null);
        request.once("error", distrust);
        request.once("response", ({ headers }) => {
          request.off("error", distrust);
          if (request.socket) heedKeepAlive(request.socket, String(headers["keep-alive"] ?? ""));
        });
        return request;
      },
    },
  };

  function watch(request: ClientRequest, socket: Duplex & { connecting?: boolean }): void {
    if (socket.connecting) {
      socket.once(socket instanceof TLSSocket ? "secureConnect" : "connect", () => {
        departure.hasLeft = true;
      });
    } else if (isClosed(socket)) {
      // Before this, nothing has been written: https://nodejs.org/api/http.html#event-socket
      request.destroy(new Error("the kept connection was closed before the request was written"));
    } else departure.hasLeft = true;
  }
  return departure;
}

const originNameOf = ({ protocol, hostname, host, port }: RequestOptions) => `${protocol}//${hostname ?? host}:${port}`;

const isClosed = (socket: Duplex) => socket.destroyed || socket.readableEnded || !socket.writable;
