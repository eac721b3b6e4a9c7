import type { CookieOptions, Request } from "express";

export interface Cookie {
  name: string;
  options: CookieOptions;
}

/**
 * Browsers take the prefix `__Host-`, which nobody else's page can set, over https alone. On one's own machine they keep
 * cookies for all ports together.
 */
export function cookieFor(publicUrl: string): Cookie {
  const { protocol, port } = new URL(publicUrl);
  const secure = protocol === "https:";
  const name = secure ? "__Host-bridge" : `bridge${port}`;
  return { name, options: { httpOnly: true, sameSite: "strict", secure, path: "/" } };
}

/**
 * For pages inside HighLevel's. By `Partitioned` browsers keep it for those alone: no other site in which the bridge is opened has it
 * sent. https://developer.mozilla.org/docs/Web/Privacy/Guides/Privacy_sandbox/Partitioned_cookies
 */
export function insideCookieFor(publicUrl: string): Cookie {
  const { name } = cookieFor(publicUrl);
  const options = { httpOnly: true, sameSite: "none", secure: true, partitioned: true, path: "/" } as const;
  return { name: `${name}-inside`, options };
}

export function readCookie(req: Request, { name }: Cookie): string | undefined {
  const cookies = (req.get("cookie") ?? "").split(/; */);
  return cookies.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
}
