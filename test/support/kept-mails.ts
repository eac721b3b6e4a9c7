import type { RequestHandler } from "express";
import type { WebhookRequest } from "../../src/model.ts";
import { type CompletionFixture, plainNames } from "./fixtures.ts";
import { type AnyAdapter, providers } from "./providers.ts";

type Exchange = CompletionFixture["exchanges"][number];

/** Mails and files that providers keep until they are fetched, and the answers that say where they are, by their URLs. */
const kept = new Map<string, Exchange>();

export function keepMail({ exchanges }: Pick<CompletionFixture, "exchanges">): void {
  for (const exchange of exchanges) kept.set(exchange.request.url, exchange);
}

for (const { fixtures, channel } of providers) {
  const isUsual = ({ name }: { name: string }) => name === plainNames[channel];
  for (const { fixture } of fixtures.toSorted((a, b) => Number(isUsual(b)) - Number(isUsual(a))))
    if (fixture.completion) keepMail(fixture.completion);
  for (const { fixture } of fixtures) if (fixture.files) keepMail({ exchanges: fixture.files });
}

/** What is kept there; for who tries the bridge with an id of their own, the provider's usual mail under that. */
function findKept(url: string): Exchange | undefined {
  const known = kept.get(url);
  if (known) return known;
  const steps = url.split(/(?=[/?])/);
  for (const [other, exchange] of kept) {
    const others = other.split(/(?=[/?])/);
    const [changed, ...more] = steps.flatMap((step, index) => (step === others[index] ? [] : [index]));
    if (others.length !== steps.length || changed === undefined || more.length > 0) continue;
    const [from = "", to = ""] = [others[changed]?.slice(1), steps[changed]?.slice(1)];
    return JSON.parse(JSON.stringify(exchange).replaceAll(from, to)) as Exchange;
  }
  return undefined;
}

/** What a provider of mails does instead, if it gives anything: a status, never an answer, or half of one. Or how it gives it. */
export type MailFault = number | "no answer" | "half an answer" | "no length";
let faultOf: (url: string) => MailFault | undefined | Promise<MailFault | undefined> = () => undefined;
export function failMails(fault: typeof faultOf): void {
  faultOf = fault;
}

/** Gives them below the names of their hosts, to who has the credentials that a fixture shows. */
export const serveMails: RequestHandler = async (req, res, next) => {
  const url = `https:/${req.originalUrl}`;
  const found = findKept(url);
  if (req.method !== "GET" || !found) return next();
  const fault = await faultOf(url);
  if (fault === "no answer") return;
  if (fault === "half an answer") return void res.set("content-length", "1000").write("half", () => res.destroy());
  if (fault !== undefined && fault !== "no length") return void res.status(fault).json({ message: "no" });
  const { authorization } = found.request.headers ?? {};
  // A signature is another one each time.
  const [scheme] = authorization?.split(" ") ?? [];
  const isRight = scheme === "Bearer" ? req.get("authorization") === authorization : Boolean(req.get("authorization"));
  if (authorization !== undefined && !isRight)
    return void res.status(401).json({ message: "the credentials are wrong" });
  const { body } = found.answer;
  if (fault === "no length") {
    res.type(typeof body === "string" ? "application/octet-stream" : "application/json").write("");
    return void res.end(bytesOf(body));
  }
  if (typeof body === "string") return void res.type("application/octet-stream").send(bytesOf(body));
  res.json(body);
};

/** What is fetched at the end, as bytes. */
export const bytesOf = (body: unknown): Buffer => Buffer.from(typeof body === "string" ? body : JSON.stringify(body));

/** The webhook with the mail that it names, where it names one. */
export async function complete(adapter: AnyAdapter, credentials: unknown, request: WebhookRequest) {
  const [event] = await adapter.parse(request);
  const fetchBy = event?.kind === "message" ? event.fetchBy : undefined;
  if (fetchBy === undefined || !adapter.completion) return request;
  const answerAt = (url: string) => kept.get(url)?.answer.body;
  const answer = answerAt(adapter.completion.request(fetchBy, credentials).url);
  const place = adapter.completion.located?.at(answer);
  return withFetched(request, bytesOf(place === undefined ? answer : answerAt(place)));
}

/** A webhook as it is kept once its mail was fetched. */
export function withFetched(request: WebhookRequest, mail: Buffer): WebhookRequest {
  return { ...request, body: Buffer.concat([request.body, mail]), fetchedFrom: request.body.length };
}
