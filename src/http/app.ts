import express, { type Express } from "express";
import helmet from "helmet";
import { adminRoutes } from "./admin/admin-routes.ts";
import { healthRoutes } from "./health.ts";
import { type MetricsContext, metricsRoutes } from "./metrics.ts";
import { oauthRoutes } from "./oauth.ts";
import { notFound, problems } from "./problem.ts";
import { sendRoutes } from "./send.ts";
import { webhookRoutes } from "./webhooks.ts";

export type AppContext = Parameters<typeof adminRoutes>[0] &
  Parameters<typeof healthRoutes>[0] &
  MetricsContext &
  Parameters<typeof oauthRoutes>[0] &
  Parameters<typeof sendRoutes>[0] &
  Parameters<typeof webhookRoutes>[0];

/** The bridge's HTTP side. */
export function createApp(context: AppContext): Express {
  const app = express();
  app.set("etag", false);
  app.use(helmet());
  app.use("/webhooks", webhookRoutes(context));
  app.use("/oauth", oauthRoutes(context));
  app.use("/admin", adminRoutes(context));
  app.use("/v1/messages", sendRoutes(context));
  app.use(healthRoutes(context), metricsRoutes(context));
  app.use(notFound);
  app.use(problems(context.log));
  return app;
}

/** All that a process serves which takes nothing in: its health and its metrics. */
export function createWorkerApp(context: Parameters<typeof healthRoutes>[0] & MetricsContext): Express {
  const app = express();
  app.set("etag", false);
  app.use(helmet());
  app.use(healthRoutes(context), metricsRoutes(context));
  app.use(notFound);
  app.use(problems(context.log));
  return app;
}
