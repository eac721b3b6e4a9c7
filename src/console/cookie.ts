import type { CookieOptions, Request } from "express";

export interface Cookie {
  name: string;
  options: CookieOptions;
}

/** Browsers take the prefix `__Host-`, which nobody else's page can set, over https alone. */
export function cookieFor(publicUrl: string): Cookie {
  const secure = new URL(publicUrl).protocol === "https:";
  const name = secure ? "__Host-bridge" : "bridge";
  return { name, options: { httpOnly: true, sameSite: "strict", secure, path: "/" } };
}

export function readCookie(req: Request, { name }: Cookie): string | undefined {
  const cookies = (req.get("cookie") ?? "").split(/; */);
  return cookies.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
}
