/** What may not stand in a URL as it is: https://www.rfc-editor.org/rfc/rfc3986#appendix-A */
const improper = /[^A-Za-z0-9\-._~:/?#@!$&'()*+,;=%[\]]|%(?![0-9A-Fa-f]{2})/gu;
const parts = /^(https?:\/\/[^/?#\\\s]+)([^?]*)(.*)$/is;
const endsAsFile = /\.[a-z0-9]{2,5}$/i;

/**
 * The URL of a file as it may be handed on: file names of people hold spaces, umlauts and more, and whoever is handed such
 * a URL refuses the whole message. What is proper already stays as it is, to the byte.
 */
export function properUrl(given: string): string {
  const [, origin, path = "", query = ""] = parts.exec(given.trim().toWellFormed()) ?? [];
  if (origin === undefined || !URL.canParse(origin)) return given;
  const host = /^[\x21-\x7e]+$/.test(origin) ? origin : new URL(origin).origin;
  // After the name of a file a hash begins a fragment; before its end it is a sign of the name.
  const isFragment = endsAsFile.test(path.split("#")[0] ?? "") || !endsAsFile.test(path);
  const named = isFragment ? path : path.replaceAll("#", "%23");
  return (
    host +
    named.replaceAll("[", "%5B").replaceAll("]", "%5D").replace(improper, encode) +
    query.replace(improper, encode)
  );
}

const encode = (sign: string) => encodeURIComponent(sign);
