import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiRequest } from "../../src/calls/call-api.ts";
import type {
  CallAddition,
  IgnoredEvent,
  MessageError,
  OutboundAttachment,
  OutboundMessage,
  ProviderMessage,
  Receipt,
  SentMessage,
  TextService,
  WebhookRequest,
} from "../../src/model.ts";

/** One webhook of a provider, as test/fixtures/<provider>/<name>.json keeps it: what came, and what it means. */
export interface Fixture {
  /** What this sample shows, in a sentence. */
  about: string;
  /** How its shape is known: a page of the provider's, a file of ours, or "recorded 2026-10, ids replaced". */
  source?: string;
  request: Sample;
  /** The events that `parse` must give, as JSON (times in ISO 8601, absent fields left out). */
  means: EventInJson[];
  /** Of a webhook that only names a mail: how that is fetched, and what the webhook means with it. */
  completion?: CompletionFixture;
  /** Of one that names files: what is answered where they are, a text as it is. */
  files?: CompletionFixture["exchanges"];
}

export type EventInJson = MessageInJson | Receipt | CallAddition | IgnoredEvent;

export interface CompletionFixture {
  /** One GET, or two, of which the first is answered where the mail is; the last gives what is kept, a text as it is. */
  exchanges: { request: { url: string; headers?: Record<string, string> }; answer: { body: unknown } }[];
  means: EventInJson[];
}

/** What a webhook means in the end. */
export const wholeMeaning = ({ means, completion }: Fixture): EventInJson[] => completion?.means ?? means;

export type MessageInJson = Omit<ProviderMessage, "sentAt"> & { sentAt?: string };

/** The fixture of each provider that other messages are made of. */
export const plainNames = { sms: "text", email: "mail" } as const;

/** A request before it is signed. */
export interface Sample {
  /** Without parameters: the signer adds a boundary. */
  contentType: string;
  /** Headers other than the content type and the signature. */
  headers?: Record<string, string>;
  /** What follows the mapping's URL, such as `?message=42`. */
  query?: string;
  /** A string as it is; an object is encoded by the signer in the way of the content type. */
  body: string | Record<string, unknown>;
  /** For multipart: the uploaded files. */
  files?: { field: string; filename: string; contentType: string; content: string }[];
}

/** What test/fixtures/<provider>/sign.ts exports: signs as the provider does, with the provider's own SDK where it has one. */
export interface Signer {
  credentials: unknown;
  /** Well-shaped credentials of somebody else. */
  foreignCredentials: unknown;
  /** The least with which messages can be sent: `credentials`, and what only sending needs. */
  sendCredentials: unknown;
  /** And with which mails that webhooks name are fetched, where that takes more. */
  fetchCredentials?: unknown;
  /** Which of these may be read by anybody, such as an account's id or a public key. The others are secrets. */
  open?: string[];
  /** Does the signature cover the body? Where it does not, a changed body cannot be noticed. */
  signsBody: boolean;
  /** Does it cover a timestamp? Then old webhooks are refused. */
  signsTime: boolean;
  /** Services that go by an id of their own, and not by a number. */
  numbersLack?: readonly TextService[];
  /** How old they may be, where that is not five minutes. */
  maxAgeSeconds?: number;
  /** Where the signature names a certificate: the certificate, and where it stands. */
  certificate?: { url: string; pem: string };
  sign(sample: Sample, options: { url: string; at: Date; credentials?: unknown }): WebhookRequest;
  /** Of the credentials, where sends are signed: those in which a change need not be noticed by `isSigned`. */
  unsigning?: string[];
  /** Where the bridge signs what it sends: is it signed by `sendCredentials`? Elsewhere its headers are those of the fixtures. */
  isSigned?(headers: Record<string, string>, body: Buffer): boolean;
  /** The headers by which it is, where they are others than a webhook's of the same body. */
  signSent?(body: Buffer): Record<string, string>;
}

export function jsonBody(sample: Sample): Buffer {
  return Buffer.from(typeof sample.body === "string" ? sample.body : JSON.stringify(sample.body));
}

export function readFixtures(provider: string): { name: string; fixture: Fixture }[] {
  return readFolder<Fixture>(provider);
}

/** One message that goes out, as test/fixtures/<provider>/send/<name>.json keeps it. */
export interface SendFixture {
  /** What this sample shows, in a sentence. */
  about: string;
  source?: string;
  message: Omit<OutboundMessage, "attachments"> & {
    attachments: (Omit<OutboundAttachment, "content"> & { content?: { base64: string } })[];
  };
  /** Where others than the signer's `sendCredentials` are needed. */
  credentials?: unknown;
  /**
   * Exactly what `send` passes to callApi, headers in lower case. `body`: JSON as it is, also where it is sent as a text;
   * a form's fields as pairs in their order, a file of it as `{ filename, type, base64 }`.
   */
  request: Omit<ApiRequest, "signal">;
  answer: { status: number; headers?: Record<string, string>; body: unknown };
  /** What `send` must make of that answer. */
  sent: SentMessage;
}

/** One refusal of a send; test/fixtures/<provider>/send/refusals.json is a list of them. */
export interface RefusalFixture {
  about: string;
  source?: string;
  /** With which messages it comes; without it, one that is refused for another reason. */
  when?: { textLongerThan: number };
  answer: { status: number; body: unknown };
  /** What `readError` must give; null for nothing. */
  error: MessageError | null;
}

export function readSendFixtures(provider: string): { name: string; fixture: SendFixture }[] {
  return readFolder<SendFixture>(`${provider}/send`).filter(({ name }) => name !== "refusals");
}

export function readRefusals(provider: string): RefusalFixture[] {
  return readFolder<RefusalFixture[]>(`${provider}/send`).flatMap(({ name, fixture }) =>
    name === "refusals" ? fixture : [],
  );
}

/** A fixture's message as the bridge gives it to `send`. */
export function outboundMessage({ message }: SendFixture): OutboundMessage {
  const attachments = message.attachments.map(({ content, ...rest }) => ({
    ...rest,
    ...(content ? { content: Buffer.from(content.base64, "base64") } : {}),
  }));
  return { ...message, attachments };
}

function readFolder<Content>(path: string): { name: string; fixture: Content }[] {
  const folder = join(import.meta.dirname, "../fixtures", path);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({
      name: file.slice(0, -5),
      fixture: JSON.parse(readFileSync(join(folder, file), "utf8")) as Content,
    }));
}
