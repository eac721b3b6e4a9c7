import type { RequestHandler, Response } from "express";
import { escapeHtml } from "../../formats/escape-html.ts";
import { protectPlain } from "../sessions/guards.ts";

/** A page for anybody's browser. */
export interface Page {
  title: string;
  /** Texts; nothing of them is markup. */
  lines: unknown[];
  link?: { url: string; text: string };
  /** Posts this one field to where the page is from. */
  button?: { name: string; value: string; text: string };
}

const stylesheet =
  ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:34rem;padding:0 1.5rem}button{font:inherit;padding:.5rem 1rem}";

const neverKeep: RequestHandler = (_req, res, next) => {
  res.set("Cache-Control", "no-store");
  next();
};

/** Of pages without a button. */
export const protectPage = [protectPlain(stylesheet), neverKeep];
export const protectPageWithButton = [protectPlain(stylesheet, { formAction: "'self'" }), neverKeep];

export function sendPage(res: Response, status: number, { title, lines, link, button }: Page): void {
  const paragraphs = lines.map((line) => `<p>${escapeHtml(String(line))}</p>`).join("\n");
  const action = link ? `\n<p><a href="${escapeHtml(link.url)}">${escapeHtml(link.text)}</a></p>` : "";
  res
    .status(status)
    .type("html")
    .send(`<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${stylesheet}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>
${paragraphs}${action}${button ? formOf(button) : ""}</main></body></html>`);
}

const formOf = ({ name, value, text }: NonNullable<Page["button"]>) => `
<form method="post"><button name="${escapeHtml(name)}" value="${escapeHtml(value)}">${escapeHtml(text)}</button></form>`;
