import http from "node:http";
import https from "node:https";
import net from "node:net";
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from "request-filtering-agent";
import { createAskName } from "./ask-name.ts";
import { keepWhileUsable } from "./idle-connections.ts";
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
  return { httpAgent: keepWhileUsable(new http.Agent(given)), httpsAgent: keepWhileUsable(new https.Agent(given)) };
}

/** Connections to public addresses alone. What is checked is each address that a name resolves to, right before it. */
export function createGuardedAgents(options: AgentOptions): AgentPair {
  const given = { ...agentOptions(options, { useSystem: false }), denyIPAddressList: publicLookingHosts };
  return {
    httpAgent: keepWhileUsable(new RequestFilteringHttpAgent(given)),
    httpsAgent: keepWhileUsable(new RequestFilteringHttpsAgent(given)),
  };
}

/** Begins connections for what is not HTTP: to public addresses alone, but for those hosts that the operator names. */
export function createConnect(
  options: Pick<AgentOptions, "nameServers">,
): (to: { host: string; port: number; isFree: boolean }) => net.Socket {
  const free = connectionOptions(options, { useSystem: true });
  const guarded = connectionOptions(options, { useSystem: false });
  const guard = new RequestFilteringHttpAgent({ denyIPAddressList: publicLookingHosts });
  return ({ host, port, isFree }) =>
    isFree ? net.connect({ host, port, ...free }) : (guard.createConnection({ host, port, ...guarded }) as net.Socket);
}

/** Azure's host of each virtual machine: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16 */
const publicLookingHosts = ["168.63.129.16"];

function agentOptions({ maxSockets, nameServers }: AgentOptions, { useSystem }: { useSystem: boolean }) {
  return { keepAlive: true, maxSockets, ...connectionOptions({ nameServers }, { useSystem }) };
}

function connectionOptions({ nameServers }: Pick<AgentOptions, "nameServers">, { useSystem }: { useSystem: boolean }) {
  return {
    lookup: createLookup(createResolveName(createAskName({ useSystem, nameServers }))),
    // Node's own 250 ms cut off addresses that are merely far away.
    autoSelectFamilyAttemptTimeout: idleLimits.connectMs,
  };
}
