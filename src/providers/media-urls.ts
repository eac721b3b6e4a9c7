import { isAllowedHost } from "../calls/fetch-file.ts";
import type { Media } from "./kit/adapter.ts";

/** Does it stand where credentials open files: at such a host, on whatever path, port or spelling, or on one's own server? */
export function isAtMediaHost<Given>(media: Media<Given>, credentials: Given | undefined, text: string): boolean {
  if (!URL.canParse(text)) return false;
  if (media.server) return credentials !== undefined && pathOnServer(media, credentials, text) !== undefined;
  return isAllowedHost(new URL(text).hostname, media.hosts);
}

/**
 * Where it is fetched from with these credentials, and the hosts that may be asked for it; undefined where they are not for
 * it. Throws as `Media.headers` does.
 */
export function placeOfMedia<Given>(
  media: Media<Given>,
  credentials: Given,
  text: string,
): { url: string; hosts: readonly string[] } | undefined {
  if (!media.server) return isMediaUrl(media, credentials, text) ? { url: text, hosts: media.hosts } : undefined;
  const path = pathOnServer(media, credentials, text);
  const server = media.server(credentials).replace(/\/+$/, "");
  return path === undefined ? undefined : { url: `${server}${path}`, hosts: [new URL(server).origin] };
}

/**
 * May it be asked for with these credentials? Only https, at a host and a path of files: the same credentials open the
 * provider's whole API, and what names a file is often what a stranger wrote. Only as its normal form is written, too: no
 * user, port, query, escape, dot segment or upper-case host that a URL parser would take for something else.
 */
export function isMediaUrl<Given>(media: Media<Given>, credentials: Given, text: string): boolean {
  if (!isAtMediaHost(media, credentials, text) || !text.startsWith("https://")) return false;
  const { href, host, pathname } = new URL(text);
  if (href !== text || `https://${host}${pathname}` !== text) return false;
  return pathsOf(media, credentials).some((path) => isFit(path, pathname));
}

/** The end of the path that is one of files; what stands before it is how the server is reached by others. */
function pathOnServer<Given>(media: Media<Given>, credentials: Given, text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { pathname, search } = new URL(text);
  if (search !== "") return undefined;
  return pathsOf(media, credentials)
    .map((path) => ({
      path,
      end: `/${pathname
        .split("/")
        .slice(1 - path.split("/").length)
        .join("/")}`,
    }))
    .find(({ path, end }) => isFit(path, end))?.end;
}

const pathsOf = <Given>(media: Media<Given>, credentials: Given) => [media.path(credentials) ?? []].flat();

function isFit(path: string, pathname: string): boolean {
  const [wanted, given] = [path.split("/"), pathname.split("/")];
  return wanted.length === given.length && wanted.every((part, index) => fits(part, given[index] ?? ""));
}

function fits(wanted: string, given: string): boolean {
  if (wanted === "{id}") return /^[\w=-]{1,500}$/.test(given);
  // What only consists of dots is gone from a normal form.
  return wanted === "{file}" ? /^[\w=.@-]{1,500}$/.test(given) : wanted === given;
}
