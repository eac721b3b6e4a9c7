import { createHash, timingSafeEqual } from "node:crypto";
import { Router } from "express";
import type { Metrics } from "../observe/metrics.ts";
import { Problem } from "./problem.ts";

export interface MetricsContext {
  metrics: Metrics | undefined;
  metricsToken: string | undefined;
}

/**
 * `GET /metrics`, for Prometheus, with `Authorization: Bearer <METRICS_TOKEN>`: 200, also when the database is away, which
 * `bridge_database_up` then tells · 401 no or another token · 404 when METRICS_TOKEN is not set.
 */
export function metricsRoutes({ metrics, metricsToken }: MetricsContext): Router {
  const router = Router();
  if (!metrics || metricsToken === undefined) return router;
  const expected = digest(`Bearer ${metricsToken}`);
  router.get("/metrics", async (req, res) => {
    if (!timingSafeEqual(digest(req.headers.authorization ?? ""), expected)) {
      throw new Problem(401, "send the header Authorization: Bearer <METRICS_TOKEN>", {
        headers: { "WWW-Authenticate": "Bearer" },
      });
    }
    const { contentType, text } = await metrics.render();
    res.type(contentType).send(text);
  });
  return router;
}

/** Equal lengths, so that the comparison takes the same time whatever was sent. */
const digest = (text: string) => createHash("sha256").update(text).digest();
