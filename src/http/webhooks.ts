import { createHmac, randomBytes } from "node:crypto";
import express, { type Request, type RequestHandler, type Response, Router } from "express";
import type { Receiver } from "../inbox/receive-webhook.ts";
import { describeError, type Log } from "../log.ts";
import type { Channel } from "../model.ts";
import type { Mapping, Mappings } from "../registry/mappings.ts";
import type { WebhookLimit } from "./limits.ts";
import { Problem } from "./problem.ts";
import { isUuid } from "./uuid.ts";

export interface WebhooksContext {
  log: Log;
  mappings: Mappings;
  receiver: Receiver;
  webhookLimit: WebhookLimit;
  publicUrl: string;
  bodyLimitBytes: Record<Channel, number>;
}

/**
 * `POST /webhooks/{mappingId}`, where a provider posts; `POST /webhooks/highlevel/{mappingId}`, HighLevel's delivery URL
 * for a mapping; and `POST /webhooks/highlevel` for the app's other events, and for apps with one delivery URL for all
 * their numbers. The answer:
 * - 200, or what the provider wants instead: verified, and committed to the database
 * - 400 the body broke off
 * - 401 forged, stale or unsigned
 * - 404 no such mapping · 410 a deleted one
 * - 413 larger than the limit for the mapping's channel
 * - 415 a content type that this provider never sends, or a compressed body
 * - 429 with Retry-After: too many of this mapping, or to nobody; the body was not read
 * - 503 with Retry-After: the database is away, or too much waits for it; nothing was stored
 *
 * Who guesses ids learns no more from how long the answer takes than from its status: what HighLevel has not signed is 401
 * whether there is such a mapping or not, and a provider's body is read and hashed in either case.
 */
export function webhookRoutes(context: WebhooksContext): Router {
  const readBody = {
    sms: rawBody(context.bodyLimitBytes.sms),
    email: rawBody(context.bodyLimitBytes.email),
  };
  const router = Router();
  router.post(["/highlevel", "/highlevel/:mappingId"], async (req, res) => {
    const receivedAt = new Date();
    const mappingId = req.params["mappingId"]?.toString();
    const mapping = mappingId === undefined ? undefined : await findMapping(context, mappingId, "highlevel");
    const isMissing = mappingId !== undefined && (!mapping || mapping.isDeleted);
    const about = { mappingId, provider: "highlevel" };
    const body = await readBody.email(req, res);
    const request = { url: `${context.publicUrl}${req.originalUrl}`, headers: textHeaders(req), body, receivedAt };
    const isVerified = isMissing
      ? context.receiver.isFromHighlevel(request)
      : await orUnavailable(context.log, context.receiver.receiveHighlevel(mapping, request), about);
    if (!isVerified) {
      context.log("warn", "webhook.refused", about);
      throw new Problem(401, "this is not signed by HighLevel: there is no X-GHL-Signature that fits the body");
    }
    if (isMissing) throw missing(mapping);
    res.status(200).end();
  });
  router.post("/:mappingId", async (req, res) => {
    const receivedAt = new Date();
    const mapping = await findMapping(context, req.params.mappingId, "provider");
    if (!mapping || mapping.isDeleted) {
      createHmac("sha256", decoyKey)
        .update(await readBody.sms(req, res))
        .digest();
      throw missing(mapping);
    }
    if (!req.is([...mapping.adapter.contentTypes])) {
      throw new Problem(415, `${mapping.provider} posts ${mapping.adapter.contentTypes.join(" or ")}`);
    }
    const about = { mappingId: mapping.id, provider: mapping.provider };
    const body = await readBody[mapping.channel](req, res);
    const request = { url: `${context.publicUrl}${req.originalUrl}`, headers: textHeaders(req), body, receivedAt };
    const isVerified = await orUnavailable(context.log, context.receiver.receive(mapping, request), about);
    if (!isVerified) {
      context.log("warn", "webhook.refused", about);
      throw new Problem(401, "the webhook does not verify against this mapping's credentials, or is too old");
    }
    const { acknowledgement } = mapping.adapter;
    if (!acknowledgement) return void res.status(200).end();
    res.status(acknowledgement.status).type(acknowledgement.contentType).send(acknowledgement.body);
  });
  return router;
}

async function findMapping(
  { log, mappings, webhookLimit }: WebhooksContext,
  id: string,
  via: "provider" | "highlevel",
): Promise<Mapping | undefined> {
  if (!isUuid(id)) return undefined;
  await webhookLimit.admitLookup(id);
  const mapping = await orUnavailable(log, mappings.get(id), { mappingId: id });
  await webhookLimit.count(id, via, mapping !== undefined).catch((error: unknown) => {
    // A flood of these must not become one of the log.
    if (error instanceof Problem) log("debug", "webhook.limited", limitedOf(id, via, mapping));
    throw error;
  });
  return mapping;
}

function limitedOf(mappingId: string, via: "provider" | "highlevel", mapping: Mapping | undefined) {
  return { mappingId, provider: via === "highlevel" ? via : mapping?.provider };
}

function missing(mapping: Mapping | undefined): Problem {
  return mapping
    ? new Problem(410, "this mapping was deleted: stop posting here")
    : new Problem(404, "there is no mapping with this id: compare the URL with the mapping's webhookUrl");
}

/** Stands for a mapping's secret where there is no mapping. */
const decoyKey = randomBytes(32);

/**
 * The exact bytes, as they were signed: whatever the content type, never unpacked. Who has hung up before they are read
 * leaves nothing to read, which is no empty body.
 */
function rawBody(limit: number): (req: Request, res: Response) => Promise<Buffer> {
  const parse: RequestHandler = express.raw({ type: () => true, limit, inflate: false });
  return (req, res) =>
    new Promise((resolve, reject) => {
      parse(req, res, (error?: unknown) => {
        if (error) reject(error);
        else if (Buffer.isBuffer(req.body)) resolve(req.body);
        else if (hasBody(req)) reject(new Problem(400, "the connection broke before the body was read: send it again"));
        else resolve(Buffer.alloc(0));
      });
    });
}

function hasBody({ headers }: Request): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function textHeaders(req: Request): Record<string, string> {
  return Object.fromEntries(
    Object.entries(req.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
}

/** Whatever keeps the database from taking it, the provider must come again: it is not stored. */
async function orUnavailable<Result>(
  log: Log,
  work: Promise<Result>,
  about: { mappingId: string | undefined; provider?: string },
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    log("error", "webhook.unavailable", { ...about, ...describeError(error) });
    throw new Problem(503, "the webhook could not be stored: send it again", { headers: { "Retry-After": "5" } });
  }
}
