import { type Request, type Response, Router } from "express";
import type { Remembered } from "../concurrency/remember.ts";
import { createSparse, type Sparse } from "../concurrency/sparse.ts";
import type { Receiver } from "../inbox/receive-webhook.ts";
import { describeError, type Log } from "../log.ts";
import type { Channel, WebhookRequest, WebhookSource } from "../model.ts";
import type { During } from "../observe/stalls.ts";
import { type Account, type Accounts, isKept, keptDays } from "../registry/accounts.ts";
import type { IsKnownId } from "../registry/known-ids.ts";
import type { Mapping, Mappings } from "../registry/mappings.ts";
import type { BodyMemory } from "./body-memory.ts";
import type { WebhookLimit } from "./limits.ts";
import { Problem } from "./problem.ts";
import { declaredBytes, readBody } from "./read-body.ts";
import { isUuid } from "./uuid.ts";

export interface WebhooksContext {
  log: Log;
  accounts: Accounts;
  mappings: Mappings;
  isKnownId: IsKnownId;
  receiver: Receiver;
  webhookLimit: WebhookLimit;
  bodyMemory: BodyMemory;
  during: During;
  publicUrl: string;
  bodyLimitBytes: Record<Channel, number>;
}

/**
 * `POST /webhooks/{accountId}`, where a provider posts, and `GET` for one that may call by it; `POST /webhooks/highlevel/{mappingId}`, HighLevel's delivery URL
 * for a mapping; and `POST /webhooks/highlevel` for the app's other events, and for apps with one delivery URL for all
 * their numbers. The answer:
 * - 200, or what the provider wants instead: verified, and committed to the database
 * - 400 the body broke off
 * - 401 forged, stale or unsigned; of what lacks a header that its proof needs the body was not read
 * - 403 HighLevel's event about another location than the mapping's
 * - 404 no such account or mapping · 405 by GET of a provider that posts · 410 a provider's to an account that was deleted a week ago: the body was not read
 * - 413 larger than the limit for the account's channel
 * - 415 a content type that this provider never sends, or a compressed body
 * - 429 with Retry-After: too many of this account, or from an address that tries ids; nothing was stored
 * - 503 with Retry-After: the database is away, or too much is being read or waits for it; nothing was stored
 *
 * `GET /webhooks/{accountId}` answers a provider that asks whether the URL is ours, and stores nothing: 200, or 401 when it
 * asks with another secret than the account's. Of a provider that does not ask it is no route.
 *
 * At HighLevel's URLs what is not signed by HighLevel is 401 whether there is such a mapping or not.
 */
export function webhookRoutes(given: WebhooksContext): Router {
  const router = Router();
  const context: RouteContext = { ...given, isFirst: createSparse(noticeSeconds) };
  router.post(["/highlevel", "/highlevel/:mappingId"], async (req, res) => {
    await takeHighlevel(context, req, req.params["mappingId"]?.toString().toLowerCase());
    res.status(200).end();
  });
  router.route("/:accountId").post(takeAccounts).get(takeAccounts);
  return router;

  async function takeAccounts(req: Request<{ accountId: string }>, res: Response): Promise<void> {
    const accountId = req.params.accountId.toLowerCase();
    const answer = req.method === "GET" ? await answerHandshake(context, req, accountId) : undefined;
    if (answer !== undefined) return void res.status(200).type("text/plain").send(answer);
    const { adapter } = await takeProviders(context, req, accountId);
    const { acknowledgement } = adapter;
    if (!acknowledgement) return void res.status(200).end();
    res.status(acknowledgement.status).type(acknowledgement.contentType).send(acknowledgement.body);
  }
}

interface RouteContext extends WebhooksContext {
  isFirst: Sparse;
}

/** What our limits turn away is told once in so long of each account: a flood of it must not become one of the log. */
const noticeSeconds = 60;

async function takeHighlevel(context: RouteContext, req: Request, mappingId: string | undefined): Promise<void> {
  const about = { mappingId, provider: "highlevel" };
  if (!context.receiver.looksSigned("highlevel", undefined, textHeaders(req)))
    throw refused(context.log, { ...about, reason: "unsigned" }, notHighlevel);
  const mapping = mappingId === undefined ? undefined : await find(context, req, mappingId, context.mappings);
  // A deleted one's are taken: what an agent writes there is reported as failed, instead of waiting for ever.
  const isMissing = mappingId !== undefined && !mapping;
  if (mapping) await orLimited(context, about, context.webhookLimit.requireRoom(mapping.accountId, "highlevel"));
  await read(
    context,
    req,
    { owner: mapping?.id ?? "highlevel", limit: context.bodyLimitBytes.email, about },
    async (request) => {
      if (!context.receiver.isFromHighlevel(request))
        throw refused(context.log, { ...about, reason: "unverified" }, notHighlevel);
      if (isMissing) throw missing();
      if (mapping && (await isMisdirected(context, mapping, request))) {
        context.log("warn", "webhook.misdirected", about);
        throw new Problem(403, "locationId: the event is about another location than this mapping: nothing was stored");
      }
      await store(context, "highlevel", mapping && { ...mapping, id: mapping.accountId }, request);
    },
  );
}

/** Is it about none of the locations where the mapping is, or was before it was moved? */
async function isMisdirected(context: RouteContext, mapping: Mapping, request: WebhookRequest): Promise<boolean> {
  if (!context.receiver.isAboutAnother(mapping, request)) return false;
  const next = mapping.movedTo === null ? undefined : await context.mappings.get(mapping.movedTo);
  return next === undefined || isMisdirected(context, next, request);
}

/** Undefined where the provider asks nothing by GET. */
async function answerHandshake(context: RouteContext, req: Request, accountId: string): Promise<string | undefined> {
  const account = await find(context, req, accountId, context.accounts);
  const answerOf = account?.adapter.answerHandshake;
  if (!account || !answerOf || !isKept(account)) return undefined;
  for (const credentials of account.credentials) {
    const answer = answerOf(req.originalUrl, credentials);
    if (answer !== undefined) return answer;
  }
  // Whoever tries secrets has as many tries as one who tries ids.
  const about = { accountId, provider: account.provider };
  await orLimited(context, about, context.webhookLimit.countStranger(req.socket.remoteAddress));
  const detail = `${account.provider} did not ask with this account's secret: compare it with the one that was given there`;
  throw refused(context.log, { ...about, reason: "unverified" }, detail);
}

async function takeProviders(context: RouteContext, req: Request, accountId: string): Promise<Account> {
  const account = await find(context, req, accountId, context.accounts);
  if (!account) throw missing();
  if (!isKept(account))
    throw new Problem(410, `this account was deleted more than ${keptDays} days ago: stop posting here`);
  const { contentTypes, takesGet, proof } = account.adapter;
  if (req.method !== "POST" && !(req.method === "GET" && takesGet))
    throw new Problem(405, `${account.provider} posts`, { headers: { Allow: takesGet ? "GET, POST" : "POST" } });
  const about = { accountId, provider: account.provider };
  await orLimited(context, about, context.webhookLimit.requireRoom(account.id, "provider"));
  const isSigned = context.receiver.looksSigned("provider", account, textHeaders(req));
  // Whoever waits to be asked for credentials may leave away the body as well until then.
  if (!isSigned && proof.challenge) throw challenged(context.log, about, proof.challenge);
  if (req.method === "POST" && !req.is([...contentTypes]))
    throw new Problem(415, `${account.provider} posts ${contentTypes.join(" or ")}`);
  const room = { owner: account.id, limit: context.bodyLimitBytes[account.channel], about };
  if (!isSigned) {
    const needed = proof.headers.join(", ");
    const detail = `the webhook does not verify: ${account.provider} posts with the headers ${needed}`;
    throw refused(context.log, { ...about, reason: "unsigned" }, detail);
  }
  await read(context, req, room, async (request) => {
    const isVerified = await context.receiver.isVerified(account, request);
    if (!isVerified) throw refused(context.log, { ...about, reason: "unverified" }, unverified);
    await store(context, "provider", account, request);
  });
  return account;
}

/** Undefined for an id that nobody was given, of which the database was not asked alone. */
async function find<Found>(
  context: RouteContext,
  req: Request,
  id: string,
  among: Remembered<Found>,
): Promise<Found | undefined> {
  const { log, isKnownId, webhookLimit } = context;
  const about = { id };
  if (isUuid(id) && (await orUnavailable(log, isKnownId(id), about))) {
    return orUnavailable(log, among.get(id), about);
  }
  // Their ids are told apart by nobody: each would be the first of its like.
  await orLimited(context, {}, webhookLimit.countStranger(req.socket.remoteAddress));
  return undefined;
}

/** The body's memory is held until the request is done with. */
async function read(
  context: RouteContext,
  req: Request,
  { owner, limit, about }: { owner: string; limit: number; about: About },
  use: (request: WebhookRequest) => Promise<void>,
): Promise<void> {
  const { bodyMemory, publicUrl, during } = context;
  const receivedAt = new Date();
  const sizes = { bytes: declaredBytes(req), limitBytes: limit };
  const hold = await orLimited(context, { ...about, ...sizes }, takeRoom(bodyMemory, owner, sizes.bytes));
  try {
    const reading = req.method === "GET" ? noBody(req) : readBody(req, limit, hold);
    const body = await orLimited(context, { ...about, ...sizes }, reading);
    const request = { url: `${publicUrl}${req.originalUrl}`, headers: textHeaders(req), body, receivedAt };
    await during({ what: "account", id: owner }, () => use(request));
  } finally {
    hold.end();
  }
}

/** By GET all stands in the URL, whose length Node bounds. A body there would be signed by nobody. */
async function noBody(req: Request): Promise<Buffer> {
  if ((declaredBytes(req) ?? 0) > 0 || req.headers["transfer-encoding"] !== undefined)
    throw new Problem(400, "a webhook by GET has no body");
  return Buffer.alloc(0);
}

const takeRoom = async (memory: BodyMemory, owner: string, bytes: number | undefined) => memory.begin(owner, bytes);

async function store(
  context: RouteContext,
  source: WebhookSource,
  account: Pick<Account, "id" | "provider" | "adapter"> | undefined,
  request: WebhookRequest,
): Promise<void> {
  const about = { accountId: account?.id, provider: source === "highlevel" ? source : account?.provider };
  if (account) await orLimited(context, about, context.webhookLimit.count(account.id, source));
  await orUnavailable(context.log, context.receiver.store(source, account, request), about);
}

interface About {
  accountId?: string | undefined;
  mappingId?: string | undefined;
  id?: string;
  provider?: string | undefined;
  /** The declared size, and the most that there may be. */
  bytes?: number | undefined;
  limitBytes?: number;
}

const notHighlevel = "this is not signed by HighLevel: there is no X-GHL-Signature that fits the body";
const unverified = "the webhook does not verify against this account's credentials, or is too old";

/** `unsigned`: it lacks what its proof stands in, and its body was not read. */
function refused(log: Log, about: About & { reason: "unsigned" | "unverified" }, detail: string): Problem {
  log("warn", "webhook.refused", { ...about });
  return new Problem(401, detail);
}

/** No trouble: Bandwidth comes so first, each time. */
function challenged(log: Log, about: About, challenge: string): Problem {
  log("debug", "webhook.refused", { ...about, reason: "unsigned" });
  const detail = "the webhook comes without the credentials that prove it: send them in the header authorization";
  return new Problem(401, detail, { headers: { "WWW-Authenticate": challenge } });
}

const missing = () =>
  new Problem(404, "there is no account or mapping with this id: compare the URL with the mapping's webhookUrl");

function textHeaders(req: Request): Record<string, string> {
  return Object.fromEntries(
    Object.entries(req.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
}

/** Of the others a body may be broken off or packed: that is no limit's. */
const limitStatuses = new Set([413, 429, 503]);

/** Whoever was turned away by a limit of ours may give up: an operator must see it. */
async function orLimited<Result>({ log, isFirst }: RouteContext, about: About, work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    if (error instanceof Problem && limitStatuses.has(error.status)) {
      const { status } = error;
      const level = isFirst(`${about.accountId ?? about.mappingId} ${status}`) ? "warn" : "debug";
      log(level, "webhook.limited", { ...about, status, detail: error.message });
    }
    throw error;
  });
}

/** Whatever keeps the database from taking it, the provider must come again: it is not stored. */
async function orUnavailable<Result>(log: Log, work: Promise<Result>, about: About): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    log("error", "webhook.unavailable", { ...about, ...describeError(error) });
    throw new Problem(503, "the webhook could not be stored: send it again", { headers: { "Retry-After": "5" } });
  }
}
