import http from "node:http";
import https from "node:https";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from "request-filtering-agent";
import { createAskName } from "./ask-name.ts";
import { idleLimits } from "./limits.ts";
import { createLookup, createResolveName } from "./resolve-name.ts";

export interface AgentPair {
  httpAgent: http.Agent;
  httpsAgent: https.Agent;
}

export interface AgentOptions {
  /** For each origin. */
  maxSockets: number;
  /** `address:port` of the name servers; without them, those that the system is set to. */
  nameServers?: readonly string[] | undefined;
}

/** Connections to hosts that the operator names, wherever they are. */
export function createFreeAgents(options: AgentOptions): AgentPair {
  const given = agentOptions(options, { useSystem: true });
  return keepWhileUsable({ httpAgent: new http.Agent(given), httpsAgent: new https.Agent(given) });
}

/** Connections to public addresses alone. What is checked is each address that a name resolves to, right before it. */
export function createGuardedAgents(options: AgentOptions): AgentPair {
  const given = { ...agentOptions(options, { useSystem: false }), denyIPAddressList: publicLookingHosts };
  return keepWhileUsable({
    httpAgent: new RequestFilteringHttpAgent(given),
    httpsAgent: new RequestFilteringHttpsAgent(given),
  });
}

/** Azure's host of each virtual machine: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16 */
const publicLookingHosts = ["168.63.129.16"];

function agentOptions({ maxSockets, nameServers }: AgentOptions, { useSystem }: { useSystem: boolean }) {
  return {
    keepAlive: true,
    maxSockets,
    lookup: createLookup(createResolveName(createAskName({ useSystem, nameServers }))),
    // Node's own 250 ms cut off addresses that are merely far away.
    autoSelectFamilyAttemptTimeout: idleLimits.connectMs,
  };
}

/** How long the other side keeps an idle connection, by its own word. */
const idleMsByWord = new WeakMap<Duplex, number>();
/** When an idle connection must no longer be used. */
const usableUntil = new WeakMap<Duplex, number>();

/** Takes note of an answer's `Keep-Alive: timeout=5`. https://www.rfc-editor.org/rfc/rfc2068#section-19.7.1.1 */
export function heedKeepAlive(socket: Duplex, header: string): void {
  const seconds = /(?:^|[,\s])timeout\s*=\s*"?(\d{1,9})/i.exec(header)?.[1];
  if (seconds === undefined) idleMsByWord.delete(socket);
  else idleMsByWord.set(socket, Math.min(Number(seconds) * 1000 - idleLimits.marginMs, idleLimits.maxMs));
}

/**
 * Closes the agent's idle connections that the other side may be closing at this moment. Timers see to that too, but they
 * come late where the process was held up; and a connection that just died is the agent's until it hears of it.
 */
export function closeDoubtful(agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    // The agent takes the last one, and passes over dead ones only at the front.
    const last = sockets?.findLastIndex(isDoubtful) ?? -1;
    for (const socket of sockets?.slice(0, last + 1) ?? []) socket.destroy();
  }
}

function isDoubtful(socket: Socket): boolean {
  return socket.destroyed || performance.now() >= (usableUntil.get(socket) ?? 0);
}

/** An agent's own time-out would do this as well, and also cut off answers that take longer than it. */
function keepWhileUsable(agents: AgentPair): AgentPair {
  for (const agent of [agents.httpAgent, agents.httpsAgent]) {
    const { keepSocketAlive, reuseSocket } = agent;
    // The agent closes the connection when this is false.
    agent.keepSocketAlive = (socket) => {
      const idleMs = idleMsByWord.get(socket) ?? idleLimits.silentMs;
      if (!(socket instanceof Socket) || idleMs <= 0) return false;
      // What else it does needs doing once: asking the system for probes each time takes 2 % of a message's time.
      if (usableUntil.has(socket)) socket.unref();
      else keepSocketAlive.call(agent, socket);
      socket.setTimeout(idleMs);
      usableUntil.set(socket, performance.now() + idleMs);
      return true;
    };
    agent.reuseSocket = (socket, request) => {
      reuseSocket.call(agent, socket, request);
      if (socket instanceof Socket) socket.setTimeout(0);
    };
  }
  return agents;
}
