import type { HeldReason } from "../errors.ts";
import type { DeliveryKind } from "../model.ts";
import type { EventBody } from "./compose-event.ts";

/**
 * The sentence that a person needs: what happened, to whom, and what to do. `&`, `<` and `>` are escaped, as Slack reads
 * links and mentions between them: https://docs.slack.dev/messaging/formatting-message-text
 */
export function slackText({ type, data }: EventBody): string {
  return escapeSlack(sentences[type](reader(data)));
}

const escapeSlack = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

type Read = ReturnType<typeof reader>;

/** Of a text message that is longer the beginning tells what it is about. */
const maxTextLength = 300;

/** What lets go what is held; the id of its delivery is not told. */
const held: Record<string, string> = {
  unknown_sender: "Register who it is (PUT /admin/mappings/{id}/conversations/{address}), and it goes out",
  failed_dmarc: "Read it (GET /admin/messages?aside=held), then replay its delivery",
} satisfies Record<HeldReason, string>;

const sentences: Record<EventBody["type"], (read: Read) => string> = {
  "message.received": (read) => {
    const said = read("subject") ?? read("text");
    return `${whatCame(read)} from ${person(read)}${read.to()}${said ? `: ${shorten(said)}` : "."}`;
  },
  "message.delivered": (read) => `The message to ${person(read)} was delivered${read.message()}.`,
  "message.failed": (read) => {
    const why = sentence(`${read("error.message") ?? "no reason was given"}${read.code()}`);
    const seen = read("origin") === "api" ? "" : " The agent sees it in HighLevel.";
    return `The message to ${person(read)} has failed: ${why}${seen} Correct the cause, and send it again${read.message()}.`;
  },
  "delivery.dead": (read) => {
    const about = read("address") === undefined ? "" : ` for ${person(read)}`;
    const next =
      held[read("delivery.reason") ?? ""] ??
      `Correct the cause, then replay it (POST /admin/deliveries/${read("delivery.id") ?? "{id}"}/replay)`;
    const what = given[read("delivery.kind") ?? ""] ?? "What was owed";
    return `${what}${about} was given up: ${sentence(read("delivery.detail") ?? read("delivery.reason"))} ${next}${read.message()}.`;
  },
  "location.paused": (read) =>
    `Nothing reaches HighLevel for location ${read("locationId")} (${read("reason")}): ${sentence(read("detail"))}` +
    " Messages are kept. Give it a new token, or connect it again, and they go out.",
  "location.resumed": (read) => `Location ${read("locationId")} goes on: what had waited goes out now.`,
  "account.unreachable": (read) =>
    `${read.other()} does not answer as it should (${read("reason")}${read("status") ? `, status ${read("status")}` : ""}).` +
    " Messages are kept, and tried again by themselves; its status page may say more.",
  "account.reachable": (read) => `${read.other()} answers again${read.after()}. What had waited goes out now.`,
  "endpoint.test": () => "This is a test: events of the bridge are told here.",
};

function whatCame(read: Read): string {
  const [kind, call] = [read("automatic"), read("call.status")];
  if (kind) return `A machine wrote (${kind})`;
  return call ? `A call came (${call})` : "A message came";
}

/** What a delivery of each kind is. */
const given: Record<string, string> = {
  "post-inbound": "The post into HighLevel",
  "send-outbound": "The message",
  "report-status": "The report to HighLevel of what became of a message",
  "send-through-highlevel": "The message that HighLevel was to send",
} satisfies Partial<Record<DeliveryKind, string>>;

/** Others end their words with a full stop, or without. */
const sentence = (words = "no reason was given") => `${words.replace(/[.\s]+$/, "")}.`;

const person = (read: Read) =>
  read("address") ?? (read("highlevelContactId") && `contact ${read("highlevelContactId")}`) ?? "somebody";

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > maxTextLength ? `${line.slice(0, maxTextLength).toWellFormed()}…` : line;
}

/** Reads a field by its path, as a text; undefined where there is none. */
function reader(data: Record<string, unknown>) {
  const read = (path: string): string | undefined => {
    let value: unknown = data;
    for (const step of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[step];
    return value === undefined || value === null ? undefined : String(value);
  };
  const other = () => {
    const provider = read("provider") === "highlevel" ? "HighLevel" : (read("provider") ?? "A provider");
    return read("accountId") ? `${provider}, for account ${read("accountId")},` : provider;
  };
  return Object.assign(read, {
    other,
    to: () => (read("mappedAddress") ? ` to ${read("mappedAddress")}` : ""),
    message: () => (read("messageId") ? ` (message ${read("messageId")})` : ""),
    code: () => (read("error.code") ? ` (${read("error.code")})` : ""),
    after: () => (read("forSeconds") ? ` after ${read("forSeconds")} s` : ""),
  });
}
