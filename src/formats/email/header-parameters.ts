import { decodeText } from "./charset.ts";
import { decodeWords } from "./encoded-words.ts";

/** A header such as `text/plain; charset=utf-8`: its value in lower case, and its parameters by their names in lower case. */
export interface StructuredHeader {
  value: string;
  parameters: ReadonlyMap<string, string>;
}

const maxCharacters = 20_000;
const maxParameters = 200;
/** `; name=value`, the value perhaps in quotes, which perhaps nobody closed. */
const parameter = /([^\s=;"]{1,100})\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"?|([^;"]*))/g;

/**
 * Reads a Content-Type or Content-Disposition. Of a parameter that is there twice the first counts. Long and encoded values
 * (https://www.rfc-editor.org/rfc/rfc2231) are put together and decoded, and so are encoded words, which stand there
 * against the rules.
 */
export function parseStructured(header: string | undefined): StructuredHeader {
  const line = (header ?? "").slice(0, maxCharacters).trimStart();
  const end = /[;\s]/.exec(line)?.index ?? line.length;
  const value = line.slice(0, end).toLowerCase();
  const given = new Map<string, string>();
  for (const [, name = "", quoted, bare = ""] of line.slice(end).matchAll(parameter)) {
    const key = name.toLowerCase();
    const content = quoted === undefined ? bare.trim() : quoted.replace(/\\(["\\])/g, "$1");
    if (!given.has(key) && given.size < maxParameters) given.set(key, content);
  }
  return { value, parameters: new Map([...plain(given), ...continued(given)]) };
}

function plain(given: ReadonlyMap<string, string>): [string, string][] {
  return [...given].filter(([name]) => !name.includes("*")).map(([name, value]) => [name, decodeWords(value)]);
}

/** `name*=utf-8''M%C3%A4rz`, `name*0*=utf-8''M; name*1*=%C3%A4rz` or `name*0="M"; name*1="ärz"`. */
function continued(given: ReadonlyMap<string, string>): [string, string][] {
  const names = new Set(
    [...given.keys()].filter((name) => name.includes("*")).map((name) => name.split("*", 1)[0] ?? ""),
  );
  return [...names].map((name) => {
    const sections = sectionsOf(given, name);
    const [, charset, rest] = /^([^']*)'[^']*'([\s\S]*)$/.exec(sections[0]?.text ?? "") ?? [];
    const isEncoded = sections.some((section) => section.isEncoded);
    if (!isEncoded) return [name, decodeWords(sections.map(({ text }) => text).join(""))];
    const bytes = sections.map(({ text, isEncoded }, index) => {
      const content = index === 0 && rest !== undefined ? rest : text;
      return isEncoded ? decodePercent(content) : Buffer.from(content, "utf8");
    });
    return [name, decodeText(Buffer.concat(bytes), charset)];
  });
}

function sectionsOf(given: ReadonlyMap<string, string>, name: string): { text: string; isEncoded: boolean }[] {
  const whole = given.get(`${name}*`);
  if (whole !== undefined) return [{ text: whole, isEncoded: true }];
  const sections: { text: string; isEncoded: boolean }[] = [];
  for (let index = 0; index < maxParameters; index++) {
    const encoded = given.get(`${name}*${index}*`);
    const text = encoded ?? given.get(`${name}*${index}`);
    if (text === undefined) break;
    sections.push({ text, isEncoded: encoded !== undefined });
  }
  return sections;
}

function decodePercent(text: string): Buffer {
  const latin1 = Buffer.from(text, "utf8").toString("latin1");
  const decoded = latin1.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(decoded, "latin1");
}
