import { Router } from "express";
import type { Metrics } from "../observe/metrics.ts";
import { isOneOf } from "../secrets/compare.ts";
import { Problem } from "./problem.ts";

export interface MetricsContext {
  metrics?: Metrics | undefined;
  metricsTokens: string[] | undefined;
}

/**
 * `GET /metrics`, for Prometheus, with `Authorization: Bearer <METRICS_TOKEN>`: 200, also when the database is away, which
 * `bridge_database_up` then tells · 401 no or another token · 404 when METRICS_TOKEN is not set.
 */
export function metricsRoutes({ metrics, metricsTokens }: MetricsContext): Router {
  const router = Router();
  if (!metrics || metricsTokens === undefined) return router;
  const bearers = metricsTokens.map((token) => `Bearer ${token}`);
  router.get("/metrics", async (req, res) => {
    if (!isOneOf(req.headers.authorization ?? "", bearers)) {
      throw new Problem(401, "send the header Authorization: Bearer <METRICS_TOKEN>", {
        headers: { "WWW-Authenticate": "Bearer" },
      });
    }
    const { contentType, text } = await metrics.render();
    res.type(contentType).send(text);
  });
  return router;
}
