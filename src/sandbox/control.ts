import { Router } from "express";
import { z } from "zod";
import { ApiError } from "./api-error.ts";
import { fault } from "./faults.ts";
import { oauthSettings } from "./oauth.ts";
import type { Sandbox } from "./sandbox.ts";
import type { State } from "./state.ts";

const location = z.strictObject({
  id: z.string().min(1),
  token: z.string().min(1),
  companyId: z.string().min(1).optional(),
  providers: z.array(z.strictObject({ id: z.string(), channel: z.enum(["sms", "email"]), extra: z.boolean() })),
});

/** Steers the sandbox from another process. No token: it is a tool for development, and listens on this machine only. */
export function controlRoutes(
  state: State,
  sandbox: Pick<
    Sandbox,
    "putLocation" | "revokeToken" | "setFaults" | "setOauth" | "expireAccessTokens" | "refreshCount"
  >,
): Router {
  const router = Router();
  const parse = <Output>(schema: z.ZodType<Output>, input: unknown): Output => {
    const parsed = schema.safeParse(input);
    if (parsed.success) return parsed.data;
    throw new ApiError(
      422,
      parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    );
  };

  router.put("/locations", (req, res) => {
    sandbox.putLocation(parse(location, req.body));
    res.json({ ok: true });
  });
  router.delete("/locations/:id/token", (req, res) => {
    sandbox.revokeToken(req.params.id);
    res.json({ ok: true });
  });
  router.put("/faults", (req, res) => {
    sandbox.setFaults(parse(z.array(fault), req.body));
    res.json({ ok: true });
  });
  router.put("/oauth", (req, res) => {
    sandbox.setOauth(parse(oauthSettings, req.body));
    res.json({ ok: true });
  });
  router.delete("/oauth/access-tokens", (_req, res) => {
    sandbox.expireAccessTokens();
    res.json({ ok: true });
  });
  router.get("/oauth", (_req, res) => {
    res.json({ refreshes: sandbox.refreshCount() });
  });
  router.get("/state", (_req, res) => {
    res.json({ messages: state.messages, contacts: [...state.contacts.values()] });
  });
  return router;
}
