import type { Request } from "express";
import type { TokenGrant } from "../../../src/calls/call-api.ts";
import { isChatId } from "../../../src/formats/address.ts";
import type { Channel } from "../../../src/model.ts";
import type { SendFixture } from "../fixtures.ts";
import type { Provider } from "../providers.ts";
import { findPlaces, type Places, prefixOf, type ReadMessage, readMessage, type Values, valuesOf } from "./places.ts";

/** What a provider's `send/` fixtures show of its API. */
export interface Api {
  host: string;
  /** Methods and paths. */
  calls: Set<string>;
  headers: Record<string, string>;
  /** What it gives a token for, without which it takes nothing. */
  grant: TokenGrant | undefined;
  contentTypes: string[];
  isForm: boolean;
  places: Places;
  /** Credentials that stand in the body, as an account's id may, by their places. */
  credentials: Map<string, unknown>;
  /** The types of the values that stand somewhere. */
  types: Map<string, Set<string>>;
  /** Where something must stand. */
  required: string[];
  /** Those that the signer's `sendCredentials` can send, with their values. */
  usual: { fixture: SendFixture; values: Values }[];
}

export function readApi({ sendFixtures, channel, signer }: Provider): Api {
  const shown = sendFixtures.map(({ fixture }) => fixture);
  // What those credentials cannot send by has other places.
  const services = new Set(shown.filter(({ credentials }) => !credentials).map(prefixOf));
  const fixtures = shown.filter((fixture) => services.has(prefixOf(fixture)));
  const isForm = isPairs(fixtures[0]?.request.body);
  const all = fixtures.map((fixture) => ({ fixture, values: valuesOf(fixture.request.body, isForm) }));
  const usual = all.filter(({ fixture }) => !fixture.credentials);
  const urls = usual.map(({ fixture }) => new URL(fixture.request.url));
  const types = new Map<string, Set<string>>();
  for (const { values } of all) {
    for (const [place, each] of values) types.set(place, new Set([...(types.get(place) ?? []), ...each.map(typeOf)]));
  }
  const hasFiles = all.some(({ values }) => [...values.keys()].some((place) => place.endsWith(".base64")));
  const forms = ["application/x-www-form-urlencoded", ...(hasFiles ? ["multipart/form-data"] : [])];
  const places = findPlaces(fixtures, channel, isForm);
  const { from, to, reference, receiptUrl, ...others } = places;
  const { "content-type": jsonType = "application/json" } = usual[0]?.fixture.request.headers ?? {};
  const grant = usual[0]?.fixture.request.grant;
  const optional = new Set(Object.values(others).flat());
  return {
    host: urls[0]?.host ?? "",
    calls: new Set(usual.map(({ fixture }, index) => `${fixture.request.method} ${pathOf(urls[index])}`)),
    headers: {
      ...fixedHeaders(
        usual.map(({ fixture }) => fixture),
        signer.isSigned !== undefined,
      ),
      ...(grant ? { authorization: `Bearer ${tokenOf(grant)}` } : {}),
    },
    grant,
    contentTypes: isForm ? forms : [jsonType],
    ...{ isForm, types, usual, places, credentials: credentialsIn(usual, signer.sendCredentials as object) },
    required: [...types.keys()].filter(
      (place) => !optional.has(place) && all.every(({ values }) => values.get(place)?.length),
    ),
  };
}

/** The token that a stand-in gives. */
export const tokenOf = ({ clientId }: TokenGrant) => `token-of-${clientId}`;

function credentialsIn(usual: Api["usual"], given: object): Map<string, unknown> {
  const known = new Set<unknown>(Object.values(given));
  const [first] = usual;
  return new Map(
    [...(first?.values ?? [])].flatMap(([place, [value, ...more]]) =>
      more.length === 0 && known.has(value) ? [[place, value]] : [],
    ),
  );
}

const isPairs = (body: unknown) =>
  Array.isArray(body) && body.every((each) => Array.isArray(each) && each.length === 2);
const pathOf = (url: URL | undefined) => (url ? url.pathname + url.search : "");
const typeOf = (value: unknown) => (value === null ? "null" : typeof value);

/** Those that every call has. Of a call that is signed, none but what says what its body is: the signature is checked itself. */
function fixedHeaders(fixtures: SendFixture[], isSigned: boolean): Record<string, string> {
  const [first] = fixtures;
  const fixed = Object.entries(first?.request.headers ?? {}).filter(([name, value]) => {
    const isOfMessage = value.split(/[^0-9A-Za-z]/).at(-1) === first?.message.reference;
    return !isOfMessage && fixtures.every(({ request }) => request.headers[name] === value);
  });
  return Object.fromEntries(fixed.filter(([name]) => !isSigned || isOfBody(name)));
}

const isOfBody = (header: string) => header === "content-type" || header === "accept";

/** Why a request is refused: without a status, for what its message holds. */
export interface Problem {
  status?: number;
  words: string;
}

/** A request as its parts, or what is wrong with it. */
export async function readRequest(
  req: Request,
  provider: Provider,
  api: Api,
): Promise<{ values: Values; message: ReadMessage; problem?: undefined } | { problem: Problem }> {
  const problem = problemOfHeaders(req, provider, api);
  if (problem) return { problem };
  const body = await readBody(req, api.isForm);
  if (body === undefined) return { problem: { status: 400, words: "the body is not what its content type says" } };
  const values = valuesOf(body, api.isForm);
  const message = readMessage(values, api.places, provider.channel);
  const isForeign = [...api.credentials].some(([place, value]) => values.get(place)?.some((each) => each !== value));
  const words = problemOfValues(values, api) ?? problemOfMessage(message, provider);
  if (words === undefined && isForeign) return { problem: { status: 401, words: "the credentials are wrong" } };
  return words === undefined ? { values, message } : { problem: { words } };
}

function problemOfHeaders(req: Request, { signer }: Provider, { headers, contentTypes }: Api): Problem | undefined {
  const wrong = Object.entries(headers).filter(([name, value]) => req.headers[name] !== value);
  if (wrong.some(([name]) => !isOfBody(name))) return { status: 401, words: "the credentials are wrong" };
  const isKnown = contentTypes.some((type) => (req.get("content-type") ?? "").startsWith(type));
  if (!isKnown) return { status: 415, words: `send ${contentTypes.join(" or ")}` };
  const bytes = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  if (signer.isSigned && !signer.isSigned(req.headers as Record<string, string>, bytes)) {
    return { status: 401, words: "the signature does not fit" };
  }
  const [name] = wrong[0] ?? [];
  return name === undefined ? undefined : { status: 415, words: `${name} must be ${headers[name]}` };
}

async function readBody(req: Request, isForm: boolean): Promise<unknown> {
  const bytes: Buffer = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  try {
    if (!isForm) return JSON.parse(bytes.toString("utf8")) as unknown;
    const headers = { "content-type": req.get("content-type") ?? "" };
    const form = await new globalThis.Response(new Uint8Array(bytes), { headers }).formData();
    return [...form].map(([name, value]) => [name, typeof value === "string" ? value : describeFile(value)]);
  } catch {
    return undefined;
  }
}

const describeFile = ({ name, type }: File) => ({ filename: name, type, base64: "" });

function problemOfValues(values: Values, { types, required }: Api): string | undefined {
  for (const [place, each] of values) {
    const known = types.get(place);
    if (!known) return `${place} stands in no fixture`;
    const odd = each.find((value) => !known.has(typeOf(value)));
    if (odd !== undefined) return `${place} is a ${typeOf(odd)}, in the fixtures a ${[...known].join(" or ")}`;
  }
  const isThere = (place: string) => values.get(place)?.some((value) => value !== "" && value !== null);
  const missing = required.find((place) => !isThere(place));
  return missing === undefined ? undefined : `${missing} is missing`;
}

const addressOf = { sms: /^\+[1-9]\d{6,14}$/, email: /^[^\s@]+@[a-z\d.-]+\.[a-z\d-]+$/i };
const senders = { sms: /^(\+[1-9]\d{6,14}|\d{3,8}|(?=.*[a-z])[a-z\d][a-z\d +]{0,10})$/i, email: addressOf.email };

function problemOfMessage(message: ReadMessage, { channel, adapter }: Provider): string | undefined {
  const { from, to, cc, bcc, replyTo } = message;
  const service = adapter.services.find((each) => to[0]?.startsWith(`${each}:`));
  // What goes by another service is so at both ends.
  const numberIn = (address: string) => {
    if (service === undefined) return address;
    return address.startsWith(`${service}:`) ? address.slice(service.length + 1) : "";
  };
  const people = [...to, ...cc, ...bcc, ...replyTo];
  // As is a chat.
  if (adapter.takesIds && [...people, ...from].every(isChatId)) return problemOfContent(message, channel);
  const nobody =
    people.find((each) => !addressOf[channel].test(numberIn(each))) ??
    from.find((each) => !senders[channel].test(numberIn(each)));
  if (nobody !== undefined) return `${nobody} is no ${channel === "sms" ? "phone number" : "mailbox"}`;
  return problemOfContent(message, channel);
}

function problemOfContent({ text, html, media, receiptUrl }: ReadMessage, channel: Channel): string | undefined {
  const links = [...receiptUrl, ...(channel === "sms" ? media : [])];
  const odd = links.find((url) => !/^https?:\/\/./.test(url) || !URL.canParse(url));
  if (odd !== undefined) return `${odd} is no URL`;
  return [...text, ...html, ...media].length === 0 ? "there are neither words nor files to send" : undefined;
}
