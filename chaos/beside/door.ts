import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import axios from "axios";
import { Webhook } from "standardwebhooks";
import { z } from "zod";
import { drawOne } from "../random.ts";

/** A message as the bridge asked the provider to send it. */
export interface AskedSend {
  /** `webhook-id`: the same over all attempts. */
  key: string;
  to: string;
  text: string;
  /** The person has it, also where the bridge got no answer. */
  isTaken: boolean;
}

/** An event as the endpoint heard it. */
export interface HeardEvent {
  /** `webhook-id`: the same over all attempts. */
  id: string;
  type: string;
  data: z.output<typeof event>["data"];
}

/** What the bridge calls in this process: a provider of texts by docs/protocol.md, and an endpoint of events. HighLevel's calls go in by it. */
export interface Door {
  sendUrl: string;
  eventsUrl: string;
  /** HighLevel's delivery URL. */
  deliveryUrl: string;
  /** For ALLOWED_PRIVATE_HOSTS. */
  host: string;
  /** By which all is signed, in both directions. */
  secret: string;
  /** What came, in that order, repetitions included. */
  sends: AskedSend[];
  events: HeardEvent[];
  /** What was not signed, or could not be read. */
  complaints: string[];
  /** Where a load balancer would pass HighLevel's next call on to. */
  passOnTo: () => string;
  /** Told by its reference of each message that was taken, the first time. */
  onTaken: (reference: string) => void;
  stop(): Promise<void>;
}

/** What becomes of a call instead of an answer. Whoever hangs up or says nothing has taken it all the same. */
type Fate = "turn away" | "hang up" | "say nothing";

/** Events of a location are told one after another: they bear fewer faults. */
const fates: Record<"send" | "event", [Fate, number][]> = {
  send: [
    ["turn away", 0.05],
    ["hang up", 0.25],
    ["say nothing", 0.01],
  ],
  event: [
    ["turn away", 0.006],
    ["hang up", 0.003],
    ["say nothing", 0.0005],
  ],
};

const send = z.object({ data: z.object({ reference: z.string(), to: z.string(), text: z.string() }) });
const event = z.object({
  type: z.string(),
  data: z.object({
    messageId: z.number(),
    address: z.string(),
    providerMessageId: z.string(),
    highlevelMessageId: z.string().optional(),
    ...{ text: z.string().optional(), subject: z.string().optional() },
  }),
});

/** The provider's own id of a message. */
export const sentIdOf = (reference: string) => `sent-${reference}`;

export async function startDoor(random: () => number): Promise<Door> {
  const server = createServer((req, res) => {
    // Who went away before all of it had come has asked for nothing.
    receive(door, random, req, res).catch(() => req.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const door: Door = {
    ...{ sendUrl: `http://${host}/send`, eventsUrl: `http://${host}/events`, deliveryUrl: `http://${host}/deliver` },
    ...{ host, secret: `whsec_${Buffer.alloc(32, 5).toString("base64")}`, sends: [], events: [], complaints: [] },
    passOnTo: () => "",
    onTaken: () => undefined,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return door;
}

async function receive(door: Door, random: () => number, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const body = await buffer(req);
  if (req.url === "/deliver") return passOn(door, req, res, body);
  const kind = req.url === "/send" ? "send" : "event";
  const fate = drawOne(random, fates[kind]);
  const keep = kind === "send" ? keepSend : keepEvent;
  try {
    const given = new Webhook(door.secret).verify(body, req.headers as Record<string, string>);
    const answer = keep(door, String(req.headers["webhook-id"]), given, fate !== "turn away");
    end(res, fate, answer);
  } catch (error) {
    door.complaints.push(`the door could not take a ${kind}: ${error}`);
    res.writeHead(400).end();
  }
}

function keepSend(door: Door, key: string, given: unknown, isTaken: boolean) {
  const { reference, to, text } = send.parse(given).data;
  const isNew = isTaken && !door.sends.some((each) => each.isTaken && each.key === key);
  door.sends.push({ key, to, text, isTaken });
  if (isNew) door.onTaken(reference);
  return { id: sentIdOf(reference) };
}

function keepEvent(door: Door, id: string, given: unknown, isTaken: boolean) {
  const { type, data } = event.parse(given);
  if (isTaken) door.events.push({ id, type, data });
  return {};
}

function end(res: ServerResponse, fate: Fate | undefined, answer: object): void {
  if (fate === "turn away") res.writeHead(503).end();
  else if (fate === "hang up") res.destroy();
  else if (fate === undefined) res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
}

async function passOn(door: Door, { headers }: IncomingMessage, res: ServerResponse, body: Buffer): Promise<void> {
  const passed = await axios
    .post(door.passOnTo(), body, {
      headers: {
        "content-type": headers["content-type"],
        "x-ghl-signature": String(headers["x-ghl-signature"]),
      },
      validateStatus: () => true,
      timeout: 3000,
    })
    .catch(() => undefined);
  if (passed) res.writeHead(passed.status).end();
  else res.destroy();
}
