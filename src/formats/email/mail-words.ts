import { convert } from "html-to-text";
import { escapeHtml } from "../escape-html.ts";

/** What an email says, or a part of it: as text, as HTML, or as both. */
export interface Words {
  text?: string | undefined;
  html?: string | undefined;
}

const maxHtml = 1_000_000;
const maxTags = 20_000;

/** Several parts as one, of which each is in whatever the others are in. */
export function joinWords(words: Words[]): Words {
  const said = words.filter(({ text, html }) => text || html);
  const hasText = said.some(({ text }) => text);
  const hasHtml = said.some(({ html }) => html);
  return {
    text: hasText ? said.map(({ text, html = "" }) => text || textOfHtml(html)).join("\n") : undefined,
    html: hasHtml ? said.map(({ text = "", html }) => html || htmlOfText(text)).join("\n") : undefined,
  };
}

/** HTML as a person would read it. Of more than a million characters the beginning; bounded for the most hostile HTML. */
function textOfHtml(html: string): string {
  const beginning = html.slice(0, maxHtml);
  // The converter takes a time that grows with the square of the depth of tags, which may be their number.
  if (beginning.split("<", maxTags).length === maxTags) return beginning.replace(/<[^<>]{0,1000}>/g, " ");
  return convert(beginning, { wordwrap: false, limits: { maxDepth: 100 } });
}

function htmlOfText(text: string): string {
  return `<div style="white-space:pre-wrap">${escapeHtml(text)}</div>`;
}
