import type { Verdicts } from "../../model.ts";
import type { MailHeader } from "./header.ts";

const maxCharacters = 20_000;
const maxHeaders = 20;
/** `method=result`, perhaps with the method's version: `dkim/1=pass`. */
const result = /^\s*(spf|dkim|dmarc)\s*(?:\/\s*\d+\s*)?=\s*([a-z]+)/i;

/**
 * What the server of this name found of who sent an email, https://www.rfc-editor.org/rfc/rfc8601. Of each method the first
 * header counts that tells of it: what comes first was put there last, and whoever wrote the email can only have put
 * headers below. Of several DKIM signatures one that holds is enough.
 */
export function readAuthenticationResults(headers: readonly MailHeader[], server: string): Verdicts {
  const verdicts: Verdicts = {};
  const written = headers.filter(({ name }) => name.toLowerCase() === "authentication-results");
  for (const { value } of written.slice(0, maxHeaders)) {
    const [who = "", ...told] = withoutComments(value.slice(0, maxCharacters)).split(";");
    if (who.trim().split(/\s/)[0]?.toLowerCase() !== server.toLowerCase()) continue;
    for (const [method, word] of Object.entries(foundIn(told))) {
      verdicts[method as keyof Verdicts] ??= word;
    }
  }
  return verdicts;
}

function foundIn(told: string[]): Verdicts {
  const found: Verdicts = {};
  for (const each of told) {
    const [, method = "", word = ""] = result.exec(each) ?? [];
    if (method === "") continue;
    const key = method.toLowerCase() as keyof Verdicts;
    // Twice told, by a server that hands on what a sender wrote without quotes, the others pass only if both do.
    const isBetter = key === "dkim" ? found[key] !== "pass" : found[key] === undefined || found[key] === "pass";
    if (isBetter) found[key] = word.toLowerCase();
  }
  return found;
}

/** Comments stand in one another. Values in quotes say nothing that is sought, and may hold a semicolon. */
function withoutComments(line: string): string {
  let left = "";
  let depth = 0;
  let isQuoted = false;
  for (const [token] of line.matchAll(/\\.|["()]|[^\\"()]+/gs)) {
    if (isQuoted) isQuoted = token !== '"';
    else if (token === "(") depth++;
    else if (token === ")") depth = Math.max(0, depth - 1);
    else if (depth > 0) continue;
    else if (token === '"') isQuoted = true;
    else left += token;
  }
  return left;
}
