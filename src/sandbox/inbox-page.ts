import express, { type RequestHandler, Router } from "express";
import helmet from "helmet";
import { z } from "zod";
import { escapeHtml } from "../formats/escape-html.ts";
import type { Agent } from "./agent.ts";
import { ApiError } from "./api-error.ts";
import { script, stylesheet } from "./inbox-assets.ts";
import type { Contact, Conversation, Entry, State, StoredMessage } from "./state.ts";

const answerForm = z.object({
  contactId: z.string().min(1),
  text: z.string().trim().min(1),
  /** The email that is answered; without it, it is a text. */
  emailMessageId: z.string().min(1).optional(),
});

/**
 * `GET /`: the conversations as an inbox would show them, with a place to answer; `POST /answer` is what that does.
 * Nothing of a message is ever markup here.
 */
export function inboxPage(state: State, agent: Pick<Agent, "sendAsAgent">): Router {
  const router = Router();
  router.get("/", protectPage, (_req, res) => void res.type("html").send(renderPage(state)));
  router.get("/inbox.css", protectPage, (_req, res) => void res.type("css").send(stylesheet));
  router.get("/inbox.js", protectPage, (_req, res) => void res.type("js").send(script));
  router.post("/answer", protectPage, express.urlencoded({ extended: false }), refuseOtherSites, (req, res) => {
    const answer = answerForm.safeParse(req.body);
    if (!answer.success) throw new ApiError(422, "contactId and text must not be empty");
    const { contactId, text, emailMessageId } = answer.data;
    const html = `<p>${escapeHtml(text).replaceAll("\n", "<br>")}</p>`;
    agent.sendAsAgent(contactId, emailMessageId ? { html, replyToMessageId: emailMessageId } : { message: text });
    res.redirect(303, "/");
  });
  return router;
}

const [own, none] = [["'self'"], ["'none'"]];
const directives = {
  ...{ defaultSrc: none, baseUri: none, frameAncestors: none },
  ...{ styleSrc: own, scriptSrc: own, connectSrc: own, formAction: own },
};
/** By default browsers are told to say nothing of where they come from, and then send `Origin: null` with a form. */
const referrerPolicy = { policy: "same-origin" } as const;
export const protectPage = helmet({ contentSecurityPolicy: { useDefaults: false, directives }, referrerPolicy });

/** Another site that is open in the same browser must not write here. */
export const refuseOtherSites: RequestHandler = (req, _res, next) => {
  const origin = req.get("origin");
  if (origin === undefined || origin === `${req.protocol}://${req.get("host")}`) return next();
  throw new ApiError(403, "Forbidden");
};

const maxConversations = 100;

function renderPage(state: State): string {
  const conversations = [...state.conversations.values()].filter((each) => each.entries.length > 0);
  const shown = conversations.slice(-maxConversations).reverse();
  const rows = shown.map((conversation) => renderConversation(state, conversation)).join("");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Sandbox inbox</title><link rel="stylesheet" href="/inbox.css"><script src="/inbox.js" defer></script></head>
<body><main><h1>Sandbox inbox</h1><p>${count(state.messages.length, "message")} in ${count(conversations.length, "conversation")}. This stands in for HighLevel; answers go to the delivery URLs that it was given.</p>
${rows || "<p>No messages yet.</p>"}</main></body></html>`;
}

function renderConversation(state: State, conversation: Conversation): string {
  const contact = state.contacts.get(conversation.contactId);
  const who = [contact?.name, addressOf(contact)].filter((each) => each !== undefined).map(isolate);
  const messages = conversation.entries.reduce((sum, entry) => sum + entry.messages.length, 0);
  const entries = conversation.entries.map((entry) => renderEntry(conversation, entry)).join("");
  const form = contact?.phone ? renderForm(conversation, { asks: `Text to ${contact.phone}` }) : "";
  return `<details open id="${conversation.id}"><summary><strong>${who.join(" · ")}</strong><small>${count(messages, "message")}</small>
<small>${isolate(conversation.locationId)}</small></summary><ol>${entries}</ol>${form}</details>`;
}

const addressOf = (contact: Contact | undefined) => contact?.phone ?? contact?.email;

function renderEntry(conversation: Conversation, { id, messages }: Entry): string {
  const [first] = messages;
  if (!first?.emailMessageId) return messages.map((message) => renderMessage("li", message)).join("");
  const emails = messages.map((message) => renderMessage("div", message)).join("");
  const emailMessageId = messages.at(-1)?.emailMessageId;
  const form = renderForm(conversation, { asks: "Answer to this email", emailMessageId });
  return `<li class="thread" id="${id}"><b>✉ ${isolate(first.subject ?? "(no subject)")}</b>${emails}${form}</li>`;
}

function renderForm(
  { contactId }: Conversation,
  { asks, emailMessageId }: { asks: string; emailMessageId?: string | undefined },
): string {
  const answered = emailMessageId
    ? `<input type="hidden" name="emailMessageId" value="${escapeHtml(emailMessageId)}">`
    : "";
  return `<form method="post" action="/answer"><input type="hidden" name="contactId" value="${escapeHtml(contactId)}">${answered}
<textarea name="text" rows="1" required aria-label="${escapeHtml(asks)}" placeholder="${escapeHtml(asks)}"></textarea><button>Send</button></form>`;
}

function renderMessage(tag: "li" | "div", message: StoredMessage): string {
  const { status, error, direction, altId } = message;
  const side = direction === "outbound" ? "outbound" : "inbound";
  const text = message.body || textOf(message.html ?? "");
  const attachments = message.attachments.map((url) => `<code>📎&nbsp;${isolate(url)}</code><br>`).join("");
  const time = message.dateAdded.replace("T", " ").slice(0, 19);
  const fate =
    status &&
    `<span class="status">${isolate(status)}</span>${status === "failed" && error ? `: ${isolate(error.message)}` : ""}`;
  const facts = [time, escapeHtml(message.type), fate ?? `altId ${isolate(altId ?? "none")}`].join(" · ");
  return `<${tag} class="bubble ${side}${status === "failed" ? " failed" : ""}"><p dir="auto">${escapeHtml(text)}</p>${attachments}<small>${facts}</small></${tag}>`;
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;

/** Whatever turns its direction, what stands beside it is read as ever. */
const isolate = (text: string) => `<bdi>${escapeHtml(text)}</bdi>`;

/** For reading only; the result is escaped like every other text. */
function textOf(html: string): string {
  return html
    .replace(/<(br|\/p|\/div)[^<>]*>/gi, "\n")
    .replace(/<[^<>]*>/g, "")
    .replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (entity) => characters.get(entity) ?? entity)
    .trim();
}

const characters = new Map([
  ...[..."&<>\"'"].map((character) => [escapeHtml(character), character] as const),
  ["&nbsp;", " "],
]);
