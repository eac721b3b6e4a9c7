import { isUtf8 } from "node:buffer";
import { charsetOf, decodeText, isAsciiLabel } from "./charset.ts";
import { joinFlowed } from "./flowed-text.ts";
import type { Words } from "./mail-words.ts";
import type { MimePart } from "./mime-parts.ts";

/** What a part of text says: nothing where it is empty. */
export function textWords(part: MimePart, content: Buffer): Words[] {
  const isHtml = part.type === "text/html";
  const text = decodeText(content, labelOf(part, content, isHtml)).replace(/\r\n?/g, "\n");
  if (text.trim() === "") return [];
  const isFlowed = !isHtml && /^flowed/i.test(part.parameters.get("format") ?? "");
  const deletesSpace = /^yes/i.test(part.parameters.get("delsp") ?? "");
  const shown = withLineBreak(isFlowed ? joinFlowed(text, deletesSpace) : text);
  return [isHtml ? { html: shown } : { text: shown }];
}

const maxLines = 500_000;
const newline = 0x0a;

/** More lines nobody reads, and all that follows would have to carry them. Of a file they may be as many as they like. */
export function isBearable(content: Buffer): boolean {
  let lines = 0;
  for (let at = content.indexOf(newline); at !== -1; at = content.indexOf(newline, at + 1)) {
    if (++lines > maxLines) return false;
  }
  return true;
}

/** The same of bytes that nothing is known of. */
export function wordsOf(content: Buffer, isHtml: boolean): Words {
  const text = withLineBreak(decodeText(content).replace(/\r\n?/g, "\n"));
  return isHtml ? { html: text } : { text };
}

const withLineBreak = (text: string) => (text.endsWith("\n") ? text : `${text}\n`);

/** The charset that the part's header names; else, and where its bytes are no such text, the one that its HTML names. */
function labelOf({ parameters, charset }: MimePart, content: Buffer, isHtml: boolean): string | undefined {
  const label = parameters.get("charset");
  const isUsable = charsetOf(label) !== undefined && !isAsciiLabel(label);
  if (isUsable && (charsetOf(label) !== "utf-8" || isUtf8(content))) return label;
  return (isHtml ? charsetInHtml(content) : undefined) ?? (isUsable ? label : charset) ?? label;
}

/** https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding */
function charsetInHtml(content: Buffer): string | undefined {
  const beginning = content.toString("latin1", 0, 10_000);
  return /<(?:meta|\?xml)\b[^>]{0,300}?(?:charset|encoding)\s{0,5}=\s{0,5}["']?([\w.:-]{1,40})/i.exec(beginning)?.[1];
}

/** Text as people write it: no bytes that only programs put there. */
export function isReadable(content: Buffer): boolean {
  const beginning = content.toString("latin1", 0, 10_000);
  const isBinary = /[\x80-\xff]{20}/.test(beginning) || beginning.includes("\x01") || beginning.includes("\x02");
  return beginning.trim() !== "" && (isUtf8(content) || !isBinary) && !beginning.includes("\0");
}

export const looksLikeHtml = (content: Buffer) =>
  /^\s*(<!doctype html|<html|<body|<p\b|<div\b|<table\b)/i.test(content.toString("latin1", 0, 500));
