import type net from "node:net";
import tls from "node:tls";
import { Failure } from "../../errors.ts";
import { type AgentOptions, createConnect } from "../agents.ts";
import { hostAndPort } from "../failures.ts";

/** A server of mail, and who logs in there. */
export interface MailServer {
  protocol: "imap" | "smtp";
  host: string;
  port: number;
  /** TLS from the first byte on; else by STARTTLS before anything else is said. Never without. */
  isImplicit: boolean;
  login: Login;
  /** What follows the host, decoded and without the slash: of IMAP the folder. */
  path: string;
}

/** A password, or an access token of OAuth 2.0. */
export type Login = { user: string } & ({ password: string } | { accessToken: string });

const protocols: Record<string, Pick<MailServer, "protocol" | "port" | "isImplicit">> = {
  "smtps:": { protocol: "smtp", port: 465, isImplicit: true },
  "smtp:": { protocol: "smtp", port: 587, isImplicit: false },
  "imaps:": { protocol: "imap", port: 993, isImplicit: true },
  "imap:": { protocol: "imap", port: 143, isImplicit: false },
};

/** Of `smtps://mail.example.com:465`, or `imap://ann@mail.example.com/INBOX`, where a token needs to say whose it is. */
export function mailServerOf(url: string, authorization: string | undefined): MailServer {
  const { protocol, hostname, port, pathname, username } = new URL(url);
  const known = protocols[protocol];
  if (!known) throw new Failure("internal_error", `${protocol} is no protocol of mail`);
  const path = decodeURIComponent(pathname.slice(1));
  const host = hostname.replace(/^\[|\]$/g, "");
  return { ...known, host, port: Number(port) || known.port, path, login: loginOf(username, authorization) };
}

function loginOf(username: string, authorization = ""): Login {
  const [scheme, value = ""] = authorization.split(" ");
  if (scheme === "Bearer") return { user: decodeURIComponent(username), accessToken: value };
  const [, user = "", password = ""] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(value, "base64").toString()) ?? [];
  return { user, password };
}

export interface ConnectOptions extends Pick<AgentOptions, "nameServers"> {
  timeoutSeconds: number;
  /** As in `localhost:993`: who may be called although the address is not public. */
  allow: readonly string[];
  /** Certificates of authorities that count beside those that Node knows. */
  ca?: string | undefined;
}

/** Begins a connection, without TLS. What is wrong with it, such as an address that is not public, is its `error`. */
export type Connect = (server: Pick<MailServer, "host" | "port">) => net.Socket;

export function createMailConnect({ allow, nameServers }: ConnectOptions): Connect {
  const connect = createConnect({ nameServers });
  const allowed = new Set(allow.map((each) => each.toLowerCase()));
  return ({ host, port }) => connect({ host, port, isFree: allowed.has(hostAndPort(`mail://${host}:${port}`)) });
}

/** TLS over a connection that may still be coming about; its certificate must be the host's. */
export function secure(socket: net.Socket, { host }: Pick<MailServer, "host">, ca: string | undefined): tls.TLSSocket {
  const servername = isName(host) ? { servername: host } : {};
  const secured = tls.connect({ socket, host, ...servername, ...tlsOptions(ca) });
  socket.once("error", (error) => secured.destroy(error));
  return secured;
}

export function tlsOptions(ca: string | undefined): tls.ConnectionOptions {
  const minVersion = "TLSv1.2";
  if (ca === undefined) return { minVersion };
  // To read all of the authorities takes 50 ms: once is enough.
  const secureContext = contexts.get(ca) ?? tls.createSecureContext({ minVersion, ca: [...tls.rootCertificates, ca] });
  contexts.set(ca, secureContext);
  return { secureContext };
}

/** By the authority that is trusted beside the known ones, of which a process has one. */
const contexts = new Map<string, tls.SecureContext>();

const isName = (host: string) => !/^[\d.]+$|:/.test(host);
