import { isAllowedHost } from "../calls/fetch-file.ts";
import type { Media } from "./kit/adapter.ts";

/** Does it stand at a host where credentials open files, on whatever path, port or spelling? */
export function isAtMediaHost<Given>(media: Media<Given>, text: string): boolean {
  return URL.canParse(text) && isAllowedHost(new URL(text).hostname, media.hosts);
}

/**
 * May it be asked for with these credentials? Only https, at a host and a path of files: the same credentials open the
 * provider's whole API, and what names a file is often what a stranger wrote. Only as its normal form is written, too: no
 * user, port, query, escape, dot segment or upper-case host that a URL parser would take for something else.
 */
export function isMediaUrl<Given>(media: Media<Given>, credentials: Given, text: string): boolean {
  if (!isAtMediaHost(media, text) || !text.startsWith("https://")) return false;
  const { href, host, pathname } = new URL(text);
  if (href !== text || `https://${host}${pathname}` !== text) return false;
  const given = pathname.split("/");
  return [media.path(credentials) ?? []].flat().some((path) => {
    const wanted = path.split("/");
    return wanted.length === given.length && wanted.every((part, index) => fits(part, given[index] ?? ""));
  });
}

function fits(wanted: string, given: string): boolean {
  if (wanted === "{id}") return /^[\w=-]{1,500}$/.test(given);
  // What only consists of dots is gone from a normal form.
  return wanted === "{file}" ? /^[\w=.-]{1,500}$/.test(given) : wanted === given;
}
