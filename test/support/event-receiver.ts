import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

/** An event as an endpoint got it. */
export interface ReceivedEvent {
  /** `webhook-id`: the same over all attempts. */
  id: string;
  type: string;
  timestamp: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events freely.
  data: any;
}

export interface EventReceiver {
  url: string;
  /** For ALLOWED_PRIVATE_HOSTS. */
  host: string;
  /** With which what comes is verified, by the library of Standard Webhooks; without it nothing is. */
  secret: string | undefined;
  /** What was taken, in that order, repeated ones too. */
  events: ReceivedEvent[];
  /** The bodies that were not verified. */
  bodies: string[];
  /** The status of the next answers; "hang up" for none. What is not taken is not in `events`. */
  answer: (event: ReceivedEvent | undefined) => number | "hang up" | "nothing" | { status: number; retryAfter: string };
  close(): Promise<void>;
}

/** What an integrator would have at their end. */
export async function startEventReceiver(): Promise<EventReceiver> {
  const server = createServer((req, res) => void receive(receiver, req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const receiver: EventReceiver = {
    ...{ url: `http://${host}/events`, host, secret: undefined, events: [], bodies: [], answer: () => 204 },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

async function receive(receiver: EventReceiver, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const body = await text(req);
  const event = receiver.secret === undefined ? undefined : verify(receiver.secret, body, req.headers);
  const answer = receiver.answer(event);
  if (answer === "hang up") return void req.socket.destroy();
  if (answer === "nothing") return;
  const { status, retryAfter } = typeof answer === "number" ? { status: answer, retryAfter: undefined } : answer;
  if (status < 300) {
    receiver.bodies.push(body);
    if (event) receiver.events.push(event);
  }
  if (retryAfter !== undefined) res.setHeader("retry-after", retryAfter);
  res.writeHead(status).end();
}

/** Throws, and so is never taken, what does not verify. */
function verify(secret: string, body: string, headers: IncomingHttpHeaders): ReceivedEvent {
  const event = new Webhook(secret).verify(body, headers as Record<string, string>) as Omit<ReceivedEvent, "id">;
  return { id: String(headers["webhook-id"]), ...event };
}
