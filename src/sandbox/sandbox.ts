import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import express, { type ErrorRequestHandler, type Express, type RequestHandler, Router } from "express";
import { limitRate, type RateLimit, requireAccess } from "./access.ts";
import { type Agent, createAgent } from "./agent.ts";
import { ApiError } from "./api-error.ts";
import { type Control, controlRoutes } from "./control.ts";
import { setCallFiles } from "./endpoints/call-files.ts";
import { contactRoutes } from "./endpoints/contacts.ts";
import { conversationRoutes } from "./endpoints/conversations.ts";
import { exportMessages } from "./endpoints/export.ts";
import { postInbound, postOutboundCall } from "./endpoints/inbound.ts";
import { locationRoutes } from "./endpoints/locations.ts";
import { createOauth } from "./endpoints/oauth.ts";
import { sendMessage } from "./endpoints/send.ts";
import { statusRoutes } from "./endpoints/statuses.ts";
import { uploadRoutes } from "./endpoints/upload.ts";
import { createFaults } from "./faults.ts";
import { inboxPage } from "./inbox-page.ts";
import { requireNoQuery } from "./parse-request.ts";
import { createPhone } from "./phone/phone.ts";
import { phoneRoutes } from "./phone/phone-routes.ts";
import {
  type Contact,
  createState,
  dropContact,
  keepContact,
  newId,
  putLocation,
  revokeToken,
  type State,
  type StoredMessage,
} from "./state.ts";

export interface SandboxOptions {
  /** HighLevel's own limit by default; `undefined` for none. */
  rateLimit?: RateLimit | undefined;
  /** For the faults that are drawn at random. */
  seed?: number;
  /** How long a new message is hidden from the status calls: HighLevel's five to ten seconds. At once by default. */
  visibleAfterMs?: number;
  /** Who hangs up within so long after a request has asked for nothing; at once it is carried out by default. */
  hangUpMs?: number;
  /** How long the first repetition of a webhook waits that was not taken. */
  firstRetryMs?: number;
  /** As among the settings. */
  showsAltIds?: boolean;
  /** A number at Twilio and the telephone of a person, for the bridge at this URL. */
  phoneFor?: string;
}

export interface Sandbox extends Control, Pick<Agent, "postEvent"> {
  app: Express;
  /** The calls of delivery URLs and webhooks so far. */
  webhookCalls(): Agent["calls"];
  /** The app is uninstalled from a location or an agency. */
  uninstall(id: string): void;
  addContact(contact: Omit<Contact, "id">): Contact;
  /** Everything that was accepted, in that order. */
  messages(): StoredMessage[];
  contacts(): Contact[];
  /** Calls to paths that begin so, the refused ones included. */
  callCount(path: string): number;
}

const publishedLimit: RateLimit = { max: 100, intervalMs: 10_000, perDay: 200_000, sendsRetryAfter: false };

/**
 * A HighLevel to run against: stands in for the endpoints that a conversation provider uses, and is as strict as they
 * are. https://marketplace.gohighlevel.com/docs
 */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const state = createState();
  if (options.showsAltIds !== undefined) state.settings.showsAltIds = options.showsAltIds;
  const faults = createFaults(options.seed ?? 1);
  const calls = new Map<string, number>();
  const oauth = createOauth(state);
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const agent = createAgent(state, { privateKey, firstRetryMs: options.firstRetryMs ?? 200 });
  const app = express();
  app.enable("strict routing").disable("x-powered-by").set("etag", false);

  const sandbox: Sandbox = {
    app,
    publicKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    sendAsAgent: agent.sendAsAgent,
    postEvent: agent.postEvent,
    webhookCalls: () => agent.calls,
    putLocation: (location) => putLocation(state, location),
    revokeToken: (locationId) => revokeToken(state, locationId),
    setOauth: oauth.set,
    expireAccessTokens: () => state.oauthTokens.clear(),
    uninstall: oauth.uninstall,
    refreshCount: oauth.refreshCount,
    addContact(given) {
      const contact = { id: newId(), ...given };
      keepContact(state, contact);
      return contact;
    },
    deleteContact: (id) => dropContact(state, id),
    mergeContact: (id, intoId) => dropContact(state, id, intoId),
    setFaults: (list) => faults.set(list),
    setSettings: (change) => void Object.assign(state.settings, change),
    messages: () => state.messages,
    contacts: () => [...state.contacts.values()],
    callCount: (path) =>
      [...calls].filter(([called]) => called.startsWith(path)).reduce((sum, [, count]) => sum + count, 0),
  };

  app.use(requireOwnHost);
  app.use(inboxPage(state, agent));
  if (options.phoneFor !== undefined) app.use("/phone", phoneRoutes(createPhone(), options.phoneFor));
  const { upload, files } = uploadRoutes(state);
  app.use("/_sandbox/files", files);
  app.use("/_sandbox", express.json({ limit: "10mb" }), controlRoutes(state, sandbox));
  app.use((req, _res, next) => {
    calls.set(req.path, (calls.get(req.path) ?? 0) + 1);
    next();
  });
  if (options.hangUpMs) app.use(leaveOutWhoHangsUp(options.hangUpMs));
  app.use(faults.middleware);
  app.use(oauth.routes);
  app.use(requireAccess(state), limitRate("rateLimit" in options ? options.rateLimit : publishedLimit));
  app.post("/conversations/messages/upload", upload);
  app.use(express.json({ limit: "30mb" }), apiRoutes(state, agent, options), answerErrors);
  return sandbox;
}

/** What HighLevel answers to whoever has a token. */
function apiRoutes(state: State, agent: Agent, { visibleAfterMs = 0 }: SandboxOptions): Router {
  const router = Router({ strict: true });
  router.use((req, _res, next) => {
    if (req.method !== "GET") requireNoQuery(req);
    next();
  });
  router.post("/conversations/messages/inbound", postInbound(state));
  router.post("/conversations/messages/outbound", postOutboundCall(state));
  router.post("/conversations/messages", sendMessage(state, agent.send));
  router.get("/conversations/messages/export", exportMessages(state));
  router.put("/conversations/messages/:id/attachments", setCallFiles(state));
  router.use("/conversations/messages", statusRoutes(state, visibleAfterMs));
  router.use("/conversations", conversationRoutes(state));
  router.use("/contacts", contactRoutes(state));
  router.use("/locations", locationRoutes());
  router.use((req) => {
    throw new ApiError(404, `Cannot ${req.method} ${req.path}`, { error: "Not Found" });
  });
  return router;
}

const ownHost = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;
const isForPeople = (path: string) => !/^\/(conversations|contacts|locations|oauth|v2)(\/|$)/.test(path);

/**
 * What asks for no token is for this machine alone: a page from elsewhere whose name was made to point here
 * (DNS rebinding) says so in its Host.
 */
const requireOwnHost: RequestHandler = (req, _res, next) => {
  if (!isForPeople(req.path) || ownHost.test(req.headers.host ?? "")) return next();
  throw new ApiError(403, "open the sandbox as localhost or 127.0.0.1");
};

/** Through a proxy of this process a hang-up takes so many turns of the event loop, of which there are few where it is slow. */
const hangUpTurns = 4;

/** What was given up before it was read is not carried out. */
const leaveOutWhoHangsUp =
  (withinMs: number): RequestHandler =>
  async ({ socket }, _res, next) => {
    await sleep(withinMs);
    for (let turn = 0; turn < hangUpTurns; turn++) await nextTurn();
    if (!socket.readableEnded && !socket.destroyed) next();
  };

const answerErrors: ErrorRequestHandler = (error, _req, res, _next) => {
  if (error instanceof ApiError) return void res.status(error.status).json(error.body);
  const status = typeof error?.status === "number" ? error.status : 500;
  res.status(status).json({ statusCode: status, message: status === 500 ? "Internal server error" : "Bad request" });
};

export async function startSandbox(
  options: SandboxOptions & { port?: number } = {},
): Promise<{ url: string; sandbox: Sandbox; stop(): Promise<void> }> {
  const sandbox = createSandbox(options);
  const server = createServer(sandbox.app);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sandbox,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
