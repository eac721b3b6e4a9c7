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
  providers: z.array(
    z.strictObject({
      id: z.string(),
      channel: z.enum(["sms", "email"]),
      extra: z.boolean(),
      deliveryUrl: z.url().optional(),
    }),
  ),
});

/** What an agent types. */
export const agentMessage = z.strictObject({
  contactId: z.string().min(1),
  providerId: z.string().optional(),
  message: z.string().optional(),
  html: z.string().optional(),
  subject: z.string().optional(),
  emailFrom: z.string().optional(),
  emailCc: z.array(z.string()).optional(),
  emailBcc: z.array(z.string()).optional(),
  attachments: z.array(z.string()).optional(),
  replyToMessageId: z.string().optional(),
});
export type AgentMessage = Omit<z.infer<typeof agentMessage>, "contactId">;

/** Steers the sandbox from another process. No token: it is a tool for development, and listens on this machine only. */
export function controlRoutes(
  state: State,
  sandbox: Pick<
    Sandbox,
    | "putLocation"
    | "revokeToken"
    | "setFaults"
    | "sendAsAgent"
    | "publicKey"
    | "setOauth"
    | "expireAccessTokens"
    | "refreshCount"
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
  router.post("/agent", (req, res) => {
    const { contactId, ...draft } = parse(agentMessage, req.body);
    res.json(sandbox.sendAsAgent(contactId, draft));
  });
  router.get("/public-key", (_req, res) => {
    res.json({ publicKey: sandbox.publicKey });
  });
  router.get("/state", (_req, res) => {
    res.json({ messages: state.messages, contacts: [...state.contacts.values()] });
  });
  return router;
}
