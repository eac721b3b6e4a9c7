import { type Request, type Response, Router } from "express";
import type { Confirm } from "../checks/confirm-subscription.ts";
import type { Remembered } from "../concurrency/remember.ts";
import type { Receiver, RunningVerification } from "../inbox/receive-webhook.ts";
import type { ExplainRefusal } from "../inbox/refusals/explain-refusal.ts";
import type { Log } from "../log.ts";
import type { Channel, WebhookRequest, WebhookSource } from "../model.ts";
import type { During } from "../observe/stalls.ts";
import type { DatabaseWatch } from "../observe/watch-database.ts";
import { type Account, type Accounts, isKept, keptDays } from "../registry/accounts.ts";
import type { Mapping, Mappings } from "../registry/mappings.ts";
import type { BodyMemory } from "./body-memory.ts";
import type { WebhookLimit } from "./limits.ts";
import { Problem } from "./problem.ts";
import { declaredBytes, readBody, tooLarge } from "./read-body.ts";
import { type About, createTurnAway, type TurnAway, type TurnAwayContext } from "./turn-away.ts";
import { isUuid } from "./uuid.ts";

export interface WebhooksContext extends TurnAwayContext {
  accounts: Accounts;
  mappings: Mappings;
  receiver: Receiver;
  confirm: Confirm;
  explainRefusal: ExplainRefusal;
  databaseWatch: DatabaseWatch;
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
 * - 413 larger than the limit for the account's channel; of a mail's, than twice, or so large that without the rest it does
 *   not verify: else its beginning is kept
 * - 415 a content type that this provider never sends, or a compressed body
 * - 429 with Retry-After: too many of this account, or from an address that tries ids; nothing was stored
 * - 503 with Retry-After: the database is away, or too much is being read or waits for it, or the certificate that a
 *   signature names is not to be had; nothing was stored. Also where a provider's question was stored, and not answered.
 *
 * Of a provider that would lose a mail by a 4xx, whatever is not taken is answered by its `refusedWith` instead: 503, or 429.
 *
 * `HEAD /webhooks/{accountId}` is 200 where there is such an account: some ask so whether the URL is there.
 *
 * `GET /webhooks/{accountId}` answers a provider that asks whether the URL is ours, and stores nothing: 200, or 401 when it
 * asks with another secret than the account's. Of a provider that does not ask it is no route.
 *
 * What is turned away is told to operators, by ids and reasons: see turn-away.ts.
 *
 * At HighLevel's URLs what is not signed by HighLevel is 401 whether there is such a mapping or not.
 */
export function webhookRoutes(given: WebhooksContext): Router {
  const router = Router();
  const context: RouteContext = { ...given, turnAway: createTurnAway(given) };
  router.post(["/highlevel", "/highlevel/:mappingId"], async (req, res) => {
    await takeHighlevel(context, req, req.params["mappingId"]?.toString().toLowerCase());
    res.status(200).end();
  });
  router.route("/:accountId").post(takeAccounts).get(takeAccounts);
  return router;

  async function takeAccounts(req: Request<{ accountId: string }>, res: Response): Promise<void> {
    const account = await findAccount(context, req, req.params.accountId.toLowerCase());
    const answer = req.method === "GET" ? await answerHandshake(context, req, account) : undefined;
    if (answer !== undefined) return void res.status(200).type("text/plain").send(answer);
    if (req.method === "HEAD") return void res.status(200).end();
    const { acknowledgement, refusedWith } = account.adapter;
    const taking = takeProviders(context, req, account);
    await (req.method === "POST" ? orComeAgain(refusedWith, taking) : taking);
    if (!acknowledgement) return void res.status(200).end();
    res.status(acknowledgement.status).type(acknowledgement.contentType).send(acknowledgement.body);
  }
}

/** For a provider that would lose a mail by our answer: what is refused has been told to operators by its own reason. */
async function orComeAgain(status: Account["adapter"]["refusedWith"], taking: Promise<void>): Promise<void> {
  await taking.catch((error: unknown) => {
    if (status === undefined || !(error instanceof Problem)) throw error;
    throw new Problem(status, error.message, { headers: { "Retry-After": "60", ...error.headers } });
  });
}

interface RouteContext extends WebhooksContext {
  turnAway: TurnAway;
}

async function takeHighlevel(context: RouteContext, req: Request, mappingId: string | undefined): Promise<void> {
  const { turnAway, receiver } = context;
  const about = { mappingId, provider: "highlevel" };
  if (!receiver.looksSigned("highlevel", undefined, textHeaders(req)))
    throw turnAway.refused(about, { reason: "unsigned" }, { detail: notHighlevel });
  const mapping = mappingId === undefined ? undefined : await find(context, req, mappingId, context.mappings);
  // A deleted one's are taken: what an agent writes there is reported as failed, instead of waiting for ever.
  const isMissing = mappingId !== undefined && !mapping;
  if (mapping) await turnAway.orLimited(about, context.webhookLimit.requireRoom(mapping.accountId, "highlevel"));
  await read(
    context,
    req,
    { owner: mapping?.id ?? "highlevel", limit: context.bodyLimitBytes.email, about },
    async (request) => {
      if (!receiver.isFromHighlevel(request))
        throw turnAway.refused(about, { reason: "no_match" }, { detail: notHighlevel });
      if (isMissing) throw turnAway.missing(about, 404, nobodys);
      if (mapping && (await isMisdirected(context, mapping, request)))
        throw turnAway.refused(about, { reason: "misdirected" }, { status: 403, detail: misdirected });
      await store(
        context,
        "highlevel",
        mapping && { ...mapping, id: mapping.accountId, mappingId: mapping.id },
        request,
      );
    },
  );
}

/** Is it about none of the locations where the mapping is, or was before it was moved? */
async function isMisdirected(context: RouteContext, mapping: Mapping, request: WebhookRequest): Promise<boolean> {
  if (!context.receiver.isAboutAnother(mapping, request)) return false;
  const next = mapping.movedTo === null ? undefined : await context.mappings.get(mapping.movedTo);
  return next === undefined || isMisdirected(context, next, request);
}

/** Throws a Problem for one that is not there, or no more. */
async function findAccount(context: RouteContext, req: Request, accountId: string): Promise<Account> {
  const account = await find(context, req, accountId, context.accounts);
  if (!account) throw context.turnAway.missing(isUuid(accountId) ? { id: accountId } : {}, 404, nobodys);
  if (!isKept(account)) throw context.turnAway.missing({ accountId, provider: account.provider }, 410, gone);
  return account;
}

/** Undefined where the provider asks nothing by GET. */
async function answerHandshake(context: RouteContext, req: Request, account: Account): Promise<string | undefined> {
  const answerOf = account.adapter.answerHandshake;
  if (!answerOf) return undefined;
  for (const credentials of account.credentials) {
    const answer = answerOf(req.originalUrl, credentials);
    if (answer !== undefined) return answer;
  }
  // Whoever tries secrets has as many tries as one who tries ids.
  const about = { accountId: account.id, provider: account.provider };
  await context.turnAway.orLimited(about, context.webhookLimit.countStranger(req.socket.remoteAddress));
  const detail = `${account.provider} did not ask with this account's secret: compare it with the one that was given there`;
  throw context.turnAway.refused(about, { reason: "unverified" }, { detail });
}

async function takeProviders(context: RouteContext, req: Request, account: Account): Promise<void> {
  const { turnAway, receiver, explainRefusal } = context;
  const { id: accountId, provider, adapter } = account;
  const { contentTypes, takesGet, proof } = adapter;
  const about = { accountId, provider };
  if (req.method !== "POST" && !(req.method === "GET" && takesGet))
    throw new Problem(405, `${provider} posts`, { headers: { Allow: takesGet ? "GET, POST" : "POST" } });
  await turnAway.orLimited(about, context.webhookLimit.requireRoom(account.id, "provider"));
  const isSigned = receiver.looksSigned("provider", account, textHeaders(req));
  // Whoever waits to be asked for credentials may leave away the body as well until then.
  if (!isSigned && proof.challenge) throw challenged(context.log, about, proof.challenge);
  if (req.method === "POST" && !req.is([...contentTypes])) {
    const detail = `${provider} posts ${contentTypes.join(" or ")}`;
    throw turnAway.refused(about, { reason: "wrong_type" }, { status: 415, detail });
  }
  const limit = context.bodyLimitBytes[account.channel];
  const room = { owner: account.id, limit, about, ...(account.channel === "email" ? { cutOf: account } : {}) };
  if (!isSigned) {
    const detail = `the webhook does not verify: ${provider} posts with the headers ${proof.headers.join(", ")}`;
    throw turnAway.refused(about, { reason: "unsigned" }, { detail });
  }
  await read(context, req, room, async (request, cut) => {
    const isVerified = cut?.isVerified(request) ?? receiver.isVerified(account, request);
    if (!(await turnAway.orUnavailable(about, isVerified))) {
      if (cut) await turnAway.orLimited({ ...about, bytes: cut.bytes, limitBytes: limit }, Promise.reject(tooLarge()));
      const explanation = await turnAway.orUnavailable(about, explainRefusal(account, request));
      throw turnAway.refused(about, explanation, { detail: unverified });
    }
    await store(context, "provider", account, request);
    if (cut) turnAway.cut({ ...about, bytes: cut.bytes, limitBytes: limit });
    if (!(await context.confirm(account, request)))
      throw new Problem(503, "the subscription could not be confirmed: ask again", {
        headers: { "Retry-After": "20" },
      });
  });
}

/** Undefined for an id that nobody was given, of which the database was not asked alone. */
async function find<Found>(
  { turnAway, isKnownId, webhookLimit }: RouteContext,
  req: Request,
  id: string,
  among: Remembered<Found>,
): Promise<Found | undefined> {
  if (isUuid(id) && (await turnAway.orUnavailable({ id }, isKnownId(id)))) {
    return turnAway.orUnavailable({ id }, among.get(id));
  }
  // Their ids are told apart by nobody: each would be the first of its like.
  await turnAway.orLimited({}, webhookLimit.countStranger(req.socket.remoteAddress));
  return undefined;
}

/** A body of which only the beginning is kept. */
interface CutBody extends Pick<RunningVerification, "isVerified"> {
  /** Of the whole. */
  bytes: number;
}

/**
 * The body's memory is held until the request is done with. Of a mail that is larger than the limit, up to twice, the
 * beginning is kept, and the rest only judged: what comes again would be as large.
 */
async function read(
  { turnAway, bodyMemory, publicUrl, receiver, during }: RouteContext,
  req: Request,
  { owner, limit, about, cutOf }: { owner: string; limit: number; about: About; cutOf?: Account },
  use: (request: WebhookRequest, cut: CutBody | undefined) => Promise<void>,
): Promise<void> {
  const head = { url: `${publicUrl}${req.originalUrl}`, headers: textHeaders(req), receivedAt: new Date() };
  const sized = { ...about, bytes: declaredBytes(req), limitBytes: limit };
  let cut: CutBody | undefined;
  const begin = (account: Account) => (beginning: Buffer) => {
    const { update, isVerified } = receiver.beginVerifying(account, { ...head, body: beginning });
    const begun = { bytes: beginning.length, isVerified };
    cut = begun;
    return (chunk: Buffer) => {
      begun.bytes += chunk.length;
      update(chunk);
    };
  };
  const rest = cutOf && { limitBytes: 2 * limit, begin: begin(cutOf) };
  const held = rest && sized.bytes !== undefined ? Math.min(sized.bytes, limit) : sized.bytes;
  const hold = await turnAway.orLimited(sized, takeRoom(bodyMemory, owner, held));
  try {
    const reading = req.method === "GET" ? noBody(req) : readBody(req, limit, hold, rest);
    const body = await turnAway.orLimited(sized, reading);
    const headers = cut ? { ...head.headers, "content-length": String(cut.bytes) } : head.headers;
    await during({ what: "account", id: owner }, () => use({ ...head, headers, body }, cut));
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
  { turnAway, webhookLimit, receiver, databaseWatch }: RouteContext,
  source: WebhookSource,
  account: (Pick<Account, "id" | "provider" | "adapter"> & { mappingId?: string }) | undefined,
  request: WebhookRequest,
): Promise<void> {
  const provider = source === "highlevel" ? source : account?.provider;
  const about = { accountId: account?.id, mappingId: account?.mappingId, provider };
  if (account) await turnAway.orLimited(about, webhookLimit.count(account.id, source));
  await turnAway.orUnavailable(about, databaseWatch.storing(receiver.store(source, account, request)));
}

const notHighlevel = "this is not signed by HighLevel: there is no X-GHL-Signature that fits the body";
const misdirected = "locationId: the event is about another location than this mapping: nothing was stored";
const unverified = "the webhook does not verify against this account's credentials, or is too old";
const gone = `this account was deleted more than ${keptDays} days ago: stop posting here`;
const nobodys = "there is no account or mapping with this id: compare the URL with the mapping's webhookUrl";

/** No trouble: Bandwidth comes so first, each time. */
function challenged(log: Log, about: About, challenge: string): Problem {
  log("debug", "webhook.refused", { ...about, reason: "unsigned" });
  const detail = "the webhook comes without the credentials that prove it: send them in the header authorization";
  return new Problem(401, detail, { headers: { "WWW-Authenticate": challenge } });
}

function textHeaders(req: Request): Record<string, string> {
  return Object.fromEntries(
    Object.entries(req.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
}
