import type { Agent } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { idleLimits } from "./limits.ts";

/** What is known of an origin that does not say how long it keeps idle connections. */
interface Origin {
  /** One was idle for as long as we keep any, and stayed open. */
  isProven: boolean;
  /** One that is left idle to find that out. */
  witness: Duplex | undefined;
}

const origins = new WeakMap<Agent, Map<string, Origin>>();
const originOf = new WeakMap<Duplex, Origin>();
/** How long the other side keeps an idle connection, by its own word. */
const saidMs = new WeakMap<Duplex, number>();
interface Idle {
  /** Undefined while it is used. */
  sinceMs: number | undefined;
  keptMs: number;
  timer: NodeJS.Timeout;
}
/** Of connections that have been idle once. */
const idles = new WeakMap<Duplex, Idle>();

/** Takes note of an answer's `Keep-Alive: timeout=5`. https://www.rfc-editor.org/rfc/rfc2068#section-19.7.1.1 */
export function heedKeepAlive(socket: Duplex, header: string): void {
  const seconds = /(?:^|[,\s])timeout\s*=\s*"?(\d{1,9})/i.exec(header)?.[1];
  if (seconds === undefined) saidMs.delete(socket);
  else saidMs.set(socket, Math.min(Number(seconds) * 1000 - idleLimits.marginMs, idleLimits.maxMs));
}

/** Takes note of the origin that a connection leads to. */
export function noteOrigin(agent: Agent, name: string, socket: Duplex): void {
  if (originOf.has(socket)) return;
  const known = origins.get(agent) ?? new Map<string, Origin>();
  origins.set(agent, known);
  const origin = known.get(name) ?? { isProven: false, witness: undefined };
  known.set(name, origin);
  originOf.set(socket, origin);
  const [oldest] = known.size > idleLimits.maxOrigins ? known.keys() : [];
  if (oldest !== undefined) known.delete(oldest);
}

/** It broke before a byte of the answer came: perhaps the other side was closing it. */
export function distrustOrigin(socket: Duplex | null): void {
  const origin = socket && originOf.get(socket);
  if (origin) origin.isProven = false;
}

/**
 * Closes the agent's idle connections that the other side may be closing at this moment. Timers see to that too, but they
 * come late where the process was held up; and a connection that just died is the agent's until it hears of it. Where the
 * other side does not say how long it keeps them, none is used until one was seen to stay open.
 */
export function closeDoubtful(agent: Agent): void {
  for (const [name, sockets = []] of Object.entries(agent.freeSockets)) {
    // The agent takes the last one, and passes over dead ones only at the front.
    for (let last = sockets.at(-1); last && isDoubtful(last); last = sockets.at(-1)) {
      sockets.pop();
      if (!isWitness(last)) letGo(last);
    }
    if (sockets.length === 0) Reflect.deleteProperty(agent.freeSockets, name);
  }
}

function isDoubtful(socket: Socket): boolean {
  const unsaidMs = originOf.get(socket)?.isProven ? idleLimits.silentMs / 2 : 0;
  return isDead(socket) || idleMsOf(socket) >= (saidMs.get(socket) ?? unsaidMs);
}

/** Of an origin that is not proven one idle connection is left alone, and closed by its timer. */
function isWitness(socket: Socket): boolean {
  const origin = originOf.get(socket);
  if (!origin || origin.isProven || origin.witness || saidMs.has(socket) || isDead(socket)) return false;
  origin.witness = socket;
  socket.once("close", () => {
    origin.witness = undefined;
  });
  return true;
}

/** Has the agent keep idle connections as long as they may be used, or to see how long the other side keeps them. */
export function keepWhileUsable<Each extends Agent>(agent: Each): Each {
  const { keepSocketAlive, reuseSocket } = agent;
  // The agent closes the connection when this is false.
  agent.keepSocketAlive = (socket) => {
    const keptMs = saidMs.get(socket) ?? idleLimits.silentMs;
    if (!(socket instanceof Socket) || keptMs <= 0) return false;
    // What else it does needs doing once: asking the system for probes each time takes 2 % of a message's time.
    if (idles.has(socket)) socket.unref();
    else keepSocketAlive.call(agent, socket);
    beginIdle(socket, keptMs);
    return true;
  };
  agent.reuseSocket = (socket, request) => {
    reuseSocket.call(agent, socket, request);
    const idle = idles.get(socket);
    if (idle) idle.sinceMs = undefined;
  };
  return agent;
}

/** A time-out of the socket or the agent would do this as well, and also cut off answers that take longer than it. */
function beginIdle(socket: Socket, keptMs: number): void {
  const idle = idles.get(socket);
  const sinceMs = performance.now();
  if (idle?.keptMs === keptMs) {
    idle.sinceMs = sinceMs;
    idle.timer.refresh();
    return;
  }
  clearTimeout(idle?.timer);
  idles.set(socket, { sinceMs, keptMs, timer: setTimeout(endIdle, keptMs, socket).unref() });
  if (idle) return;
  // From Node 22 on a connection that the other side closes while it is idle closes without an `end`.
  for (const event of ["end", "error", "close"]) socket.on(event, () => conclude(socket, false));
}

async function endIdle(socket: Socket): Promise<void> {
  const sinceMs = idles.get(socket)?.sinceMs;
  // The process may have been held up: what came meanwhile is heard first.
  await turn();
  await turn();
  if (sinceMs === undefined || sinceMs !== idles.get(socket)?.sinceMs || isDead(socket)) return;
  conclude(socket, true);
  letGo(socket);
}

/** Closes it, which says nothing of the other side, unless that has closed it already. */
function letGo(socket: Socket): void {
  const idle = idles.get(socket);
  if (idle && !isDead(socket)) idle.sinceMs = undefined;
  socket.destroy();
}

/** How the idle time of a connection ends tells how long the other side keeps one. */
function conclude(socket: Socket, isProven: boolean): void {
  const origin = originOf.get(socket);
  const isIdle = idles.get(socket)?.sinceMs !== undefined;
  if (origin && isIdle && !saidMs.has(socket)) origin.isProven = isProven;
}

const isDead = (socket: Socket) => socket.destroyed || socket.readableEnded;
const idleMsOf = (socket: Socket) => performance.now() - (idles.get(socket)?.sinceMs ?? Number.NEGATIVE_INFINITY);

/** Within this a kept connection was used, or has been heard to close. */
const heardForMs = 50;

/**
 * What came while the process was held up is heard before a call is made, such as the close of a kept connection: one turn
 * of the event loop may bring the last bytes of an answer, the next its end. Calls that follow one another need not wait:
 * those that end together, and are recorded by one statement, also stay together.
 */
export function createHear(): () => Promise<void> | undefined {
  let heardAtMs = -heardForMs;
  let hearing: Promise<void> | undefined;
  return () => {
    if (hearing || performance.now() - heardAtMs < heardForMs) return hearing;
    hearing = turn()
      .then(() => turn())
      .then(() => {
        heardAtMs = performance.now();
        hearing = undefined;
      });
    return hearing;
  };
}
