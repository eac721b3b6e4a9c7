import { Router } from "express";
import { z } from "zod";
import { type Agent, agentMessage } from "./agent.ts";
import { ApiError } from "./api-error.ts";
import { type OauthSettings, oauthSettings } from "./endpoints/oauth-forms.ts";
import { type Fault, fault } from "./faults.ts";
import { settingsChange } from "./settings.ts";
import type { Contact, Provider, State } from "./state.ts";

const location = z.strictObject({
  id: z.string().min(1),
  token: z.string().min(1),
  companyId: z.string().min(1).optional(),
  providers: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string().min(1).optional(),
      channel: z.enum(["sms", "email", "call"]),
      extra: z.boolean(),
      takes: z.enum(["WhatsApp", "GMB", "IG", "FB", "WebChat", "Live_Chat"]).optional(),
      deliveryUrl: z.url().optional(),
    }),
  ),
});

/** What can be set and seen from outside while the sandbox runs. */
export interface Control extends Pick<Agent, "sendAsAgent"> {
  /** What the webhooks are signed with: an Ed25519 key of this sandbox alone, as SPKI in base64. */
  publicKey: string;
  /** Makes a location, or changes its token and its conversation providers. */
  putLocation(location: { id: string; token: string; providers: Provider[]; companyId?: string | undefined }): void;
  /** From now on the location's token is refused. */
  revokeToken(locationId: string): void;
  /** The marketplace app's client, what a person chooses who installs it, and how long its tokens live. */
  setOauth(settings: OauthSettings): void;
  /** As when their time is over. */
  expireAccessTokens(): void;
  /** How often a refresh was asked for, the refused ones included. */
  refreshCount(): number;
  deleteContact(id: string): void;
  /** The first one is gone, and the other has its addresses beside its own. */
  mergeContact(id: string, intoId: string): void;
  setFaults(faults: Fault[]): void;
  /** In which of the ways that were seen it behaves. */
  setSettings(change: z.input<typeof settingsChange>): void;
}

/** Steers the sandbox from another process. No token: it is a tool for development, and listens on this machine only. */
export function controlRoutes(state: State, sandbox: Control): Router {
  const router = Router();
  const parse = <Output>(schema: z.ZodType<Output>, input: unknown): Output => {
    const parsed = schema.safeParse(input);
    if (parsed.success) return parsed.data;
    throw new ApiError(
      422,
      parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    );
  };
  function requireContact(id: string): Contact {
    const contact = state.contacts.get(id);
    if (!contact) throw new ApiError(404, `there is no contact ${id}`);
    return contact;
  }

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
  router.delete("/contacts/:id", (req, res) => {
    requireContact(req.params.id);
    sandbox.deleteContact(req.params.id);
    res.json({ ok: true });
  });
  router.post("/contacts/:id/merge", (req, res) => {
    const { intoId } = parse(z.strictObject({ intoId: z.string() }), req.body);
    if (requireContact(intoId) === requireContact(req.params.id))
      throw new ApiError(422, ["intoId: is the same contact"]);
    sandbox.mergeContact(req.params.id, intoId);
    res.json({ ok: true });
  });
  router.put("/settings", (req, res) => {
    sandbox.setSettings(parse(settingsChange, req.body));
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
