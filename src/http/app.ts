import express, { type Express, type Router } from "express";
import helmet from "helmet";
import { type HealthContext, healthRoutes } from "./health.ts";
import { type MetricsContext, metricsRoutes } from "./metrics.ts";
import { documentRoutes } from "./openapi/document-routes.ts";
import { type ApiContext, apiRoutes } from "./operations/api-routes.ts";
import { type OauthContext, oauthRoutes } from "./pages/oauth.ts";
import { type UnsubscribeContext, unsubscribeRoutes } from "./pages/unsubscribe.ts";
import { notFound, problems } from "./problem.ts";
import { type WebhooksContext, webhookRoutes } from "./webhooks.ts";

/** What a process that takes nothing in serves with. */
export type WorkerAppContext = HealthContext & MetricsContext;
export type AppContext = WorkerAppContext &
  ApiContext &
  OauthContext &
  UnsubscribeContext &
  WebhooksContext & {
    /** The pages for people, below `/console`. */
    pages?: Router;
  };

/** The bridge's HTTP side. */
export function createApp(context: AppContext): Express {
  const app = express();
  app.set("etag", false);
  app.use(helmet());
  app.use("/webhooks", webhookRoutes(context));
  app.use("/oauth", oauthRoutes(context));
  app.use("/unsubscribe", unsubscribeRoutes(context));
  app.use(apiRoutes(context), documentRoutes(context));
  if (context.pages) app.use("/console", context.pages);
  app.use(healthRoutes(context), metricsRoutes(context));
  app.use(notFound);
  app.use(problems(context.log));
  return app;
}

/** All that a process serves which takes nothing in: its health and its metrics. */
export function createWorkerApp(context: WorkerAppContext): Express {
  const app = express();
  app.set("etag", false);
  app.use(helmet());
  app.use(healthRoutes(context), metricsRoutes(context));
  app.use(notFound);
  app.use(problems(context.log));
  return app;
}
