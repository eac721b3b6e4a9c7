import { Router } from "express";
import { protectPlain } from "../sessions/guards.ts";
import { createDocument } from "./document.ts";
import { renderPage, stylesheet } from "./page.ts";

/**
 * `GET /openapi.json` 200: the API as OpenAPI 3.1 says it · `GET /docs` 200: the same as a page. Without a key: both are the
 * same for everybody, and tell nothing of what is here.
 */
export function documentRoutes({ publicUrl }: { publicUrl: string }): Router {
  const router = Router();
  let document: string | undefined;
  let page: string | undefined;
  router.get("/openapi.json", (_req, res) => {
    document ??= JSON.stringify(createDocument({ serverUrl: publicUrl }));
    res.type("json").send(document);
  });
  router.get("/docs", protect, (_req, res) => {
    page ??= renderPage();
    res.type("html").send(page);
  });
  return router;
}

const protect = protectPlain(stylesheet);
