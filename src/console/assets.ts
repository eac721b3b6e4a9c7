import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Router } from "express";
import { packageRoot } from "../package.ts";
import type { Assets } from "./frame/document.tsx";

/** The two static files. Their addresses hold a hash of what is in them, so that browsers may keep them for good. */
export function serveAssets(): { assets: Assets; routes: Router } {
  const routes = Router();
  const serve = (name: string, type: string) => {
    const content = readFileSync(join(packageRoot, "static", name), "utf8");
    const hash = createHash("sha256").update(content).digest("base64url").slice(0, 12);
    routes.get(`/${name}`, (_req, res) => {
      res.set("Cache-Control", "public, max-age=31536000, immutable").type(type).send(content);
    });
    return `/console/${name}?v=${hash}`;
  };
  return { assets: { css: serve("console.css", "css"), js: serve("console.js", "js") }, routes };
}
