import express, { Router } from "express";
import helmet from "helmet";
import { z } from "zod";
import type { Agent } from "./agent.ts";
import { ApiError } from "./api-error.ts";
import type { Conversation, Entry, State, StoredMessage } from "./state.ts";

const stylesheet = `
:root { color-scheme: light dark; --line: #8883; --soft: #8881; --blue: #2563eb; }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0; } h1 + p { margin: .2rem 0 1.5rem; opacity: .7; }
details { border: 1px solid var(--line); border-radius: .6rem; margin-bottom: .8rem; }
summary { cursor: pointer; padding: .7rem 1rem; display: flex; gap: .8rem; align-items: baseline; }
summary strong { flex: 1; } small { opacity: .65; font-size: .8rem; }
ol { list-style: none; margin: 0; padding: 0 1rem 1rem; display: grid; gap: .6rem; }
.bubble { background: var(--soft); border-radius: .8rem; padding: .6rem .9rem; max-width: 44rem; justify-self: start; overflow-wrap: anywhere; }
.outbound { background: var(--blue); color: white; justify-self: end; }
.thread { border-left: 3px solid var(--blue); padding-left: .8rem; display: grid; gap: .6rem; }
form { display: flex; gap: .5rem; padding: 0 1rem 1rem; } .thread form { padding: 0; }
textarea { flex: 1; font: inherit; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: .6rem; resize: vertical; }
button { font: inherit; border: 0; border-radius: .6rem; padding: 0 1rem; background: var(--blue); color: white; cursor: pointer; }
.failed { outline: 2px solid #dc2626; }
.thread > b { font-size: .9rem; } p { margin: 0; white-space: pre-wrap; } code { font-size: .8rem; }
`;

/** Keeps the page fresh, but for what somebody is typing. */
const script = `
setInterval(async () => {
  if ([...document.querySelectorAll("textarea")].some((each) => each.value || each === document.activeElement)) return;
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  document.querySelector("main").replaceWith(page.querySelector("main"));
}, 1000);
`;

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
  const own = ["'self'"];
  const directives = { defaultSrc: ["'none'"], styleSrc: own, scriptSrc: own, connectSrc: own, formAction: own };
  const protect = helmet({ contentSecurityPolicy: { useDefaults: false, directives } });
  const router = Router();
  router.get("/", protect, (_req, res) => void res.type("html").send(renderPage(state)));
  router.get("/inbox.css", protect, (_req, res) => void res.type("css").send(stylesheet));
  router.get("/inbox.js", protect, (_req, res) => void res.type("js").send(script));
  router.post("/answer", protect, express.urlencoded({ extended: false }), (req, res) => {
    // Another site that is open in the same browser must not write here.
    const origin = req.get("origin");
    if (origin !== undefined && origin !== `${req.protocol}://${req.get("host")}`) throw new ApiError(403, "Forbidden");
    const answer = answerForm.safeParse(req.body);
    if (!answer.success) throw new ApiError(422, "contactId and text must not be empty");
    const { contactId, text, emailMessageId } = answer.data;
    const html = `<p>${escapeHtml(text).replaceAll("\n", "<br>")}</p>`;
    agent.sendAsAgent(contactId, emailMessageId ? { html, replyToMessageId: emailMessageId } : { message: text });
    res.redirect(303, "/");
  });
  return router;
}

const mostConversations = 100;

function renderPage(state: State): string {
  const conversations = [...state.conversations.values()].filter((each) => each.entries.length > 0);
  const shown = conversations.slice(-mostConversations).reverse();
  const rows = shown.map((conversation) => renderConversation(state, conversation)).join("");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Sandbox inbox</title><link rel="stylesheet" href="/inbox.css"><script src="/inbox.js" defer></script></head>
<body><main><h1>Sandbox inbox</h1><p>${state.messages.length} messages in ${conversations.length} conversations. This stands in for HighLevel; nothing leaves this machine.</p>
${rows || "<p>No messages yet.</p>"}</main></body></html>`;
}

function renderConversation(state: State, conversation: Conversation): string {
  const contact = state.contacts.get(conversation.contactId);
  const who = [contact?.name, contact?.phone ?? contact?.email].filter(Boolean).join(" · ");
  const count = conversation.entries.reduce((sum, entry) => sum + entry.messages.length, 0);
  const entries = conversation.entries.map((entry) => renderEntry(conversation, entry)).join("");
  return `<details open><summary><strong>${escapeHtml(who)}</strong><small>${count} ${count === 1 ? "message" : "messages"}</small>
<small>${escapeHtml(conversation.locationId)}</small></summary><ol>${entries}</ol>${contact?.phone ? renderForm(conversation) : ""}</details>`;
}

function renderEntry(conversation: Conversation, entry: Entry): string {
  const [first] = entry.messages;
  if (!first?.emailMessageId)
    return entry.messages
      .map((message) => `<li class="bubble ${side(message)}">${renderMessage(message)}</li>`)
      .join("");
  const emails = entry.messages.map(
    (message) => `<div class="bubble ${side(message)}">${renderMessage(message)}</div>`,
  );
  const form = renderForm(conversation, entry.messages.at(-1)?.emailMessageId);
  return `<li class="thread"><b>✉ ${escapeHtml(first.subject ?? "(no subject)")}</b>${emails.join("")}${form}</li>`;
}

function renderForm({ contactId }: Conversation, emailMessageId?: string): string {
  const answered = emailMessageId
    ? `<input type="hidden" name="emailMessageId" value="${escapeHtml(emailMessageId)}">`
    : "";
  return `<form method="post" action="/answer"><input type="hidden" name="contactId" value="${escapeHtml(contactId)}">${answered}
<textarea name="text" rows="1" required aria-label="Answer" placeholder="Answer as an agent"></textarea><button>Send</button></form>`;
}

const side = (message: StoredMessage) =>
  message.direction === "outbound" ? `outbound ${message.status === "failed" ? "failed" : ""}` : "inbound";

function renderMessage(message: StoredMessage): string {
  const text = message.body || textOf(message.html ?? "");
  const time = message.dateAdded.replace("T", " ").slice(0, 19);
  const attachments = message.attachments.map((url) => `<br><code>📎 ${escapeHtml(url)}</code>`).join("");
  const fate = [message.status, message.error?.message].filter(Boolean).join(": ");
  const facts = [time, message.type, fate || `altId ${message.altId ?? "none"}`].map(escapeHtml).join(" · ");
  return `<p>${escapeHtml(text)}</p>${attachments}<small>${facts}</small>`;
}

/** For reading only; the result is escaped like every other text. */
function textOf(html: string): string {
  return html
    .replace(/<(br|\/p|\/div)[^<>]*>/gi, "\n")
    .replace(/<[^<>]*>/g, "")
    .trim();
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
