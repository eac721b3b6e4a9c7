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

export function readCookie(req: Request, { name }: Cookie): string | undefined {
  const cookies = (req.get("cookie") ?? "").split(/; */);
  return cookies.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
}
