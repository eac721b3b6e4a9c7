import type { RequestHandler } from "express";
import helmet from "helmet";
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
.thread > b { font-size: .9rem; } p { margin: 0; white-space: pre-wrap; } code { font-size: .8rem; }
`;

/** `GET /`: the conversations as an inbox would show them. Nothing of a message is ever markup here. */
export function inboxPage(state: State): RequestHandler {
  const protect = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], styleSrc: ["'self'"] } },
  });
  return (req, res, next) => {
    if (req.method !== "GET" || (req.path !== "/" && req.path !== "/inbox.css")) return next();
    protect(req, res, () => {
      if (req.path === "/inbox.css") return void res.type("css").send(stylesheet);
      res.type("html").send(renderPage(state));
    });
  };
}

const mostConversations = 100;

function renderPage(state: State): string {
  const conversations = [...state.conversations.values()].filter((each) => each.entries.length > 0);
  const shown = conversations.slice(-mostConversations).reverse();
  const rows = shown.map((conversation) => renderConversation(state, conversation)).join("");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>Sandbox inbox</title><link rel="stylesheet" href="/inbox.css"></head>
<body><h1>Sandbox inbox</h1><p>${state.messages.length} messages in ${conversations.length} conversations. This stands in for HighLevel; nothing leaves this machine.</p>
${rows || "<p>No messages yet.</p>"}</body></html>`;
}

function renderConversation(state: State, conversation: Conversation): string {
  const contact = state.contacts.get(conversation.contactId);
  const who = [contact?.name, contact?.phone ?? contact?.email].filter(Boolean).join(" · ");
  const count = conversation.entries.reduce((sum, entry) => sum + entry.messages.length, 0);
  return `<details open><summary><strong>${escapeHtml(who)}</strong><small>${count} ${count === 1 ? "message" : "messages"}</small>
<small>${escapeHtml(conversation.locationId)}</small></summary><ol>${conversation.entries.map(renderEntry).join("")}</ol></details>`;
}

function renderEntry(entry: Entry): string {
  const [first] = entry.messages;
  if (!first?.emailMessageId)
    return entry.messages
      .map((message) => `<li class="bubble ${side(message)}">${renderMessage(message)}</li>`)
      .join("");
  const emails = entry.messages.map(
    (message) => `<div class="bubble ${side(message)}">${renderMessage(message)}</div>`,
  );
  return `<li class="thread"><b>✉ ${escapeHtml(first.subject ?? "(no subject)")}</b>${emails.join("")}</li>`;
}

const side = (message: StoredMessage) => (message.direction === "outbound" ? "outbound" : "inbound");

function renderMessage(message: StoredMessage): string {
  const text = message.body || textOf(message.html ?? "");
  const time = message.dateAdded.replace("T", " ").slice(0, 19);
  const attachments = message.attachments.map((url) => `<br><code>📎 ${escapeHtml(url)}</code>`).join("");
  return `<p>${escapeHtml(text)}</p>${attachments}<small>${escapeHtml(time)} · ${escapeHtml(message.type)} · altId ${escapeHtml(message.altId ?? "none")}</small>`;
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
