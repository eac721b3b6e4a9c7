import { z } from "zod";
import type { AccessTokens } from "../../../access/access-tokens.ts";
import type { MarketplaceApp } from "../../../access/marketplace-app.ts";
import type { Wake } from "../../../model.ts";
import { appAnswer } from "../../answers/operator.ts";
import { operation, reply } from "../../operations/operation.ts";
import { Problem } from "../../problem.ts";

export interface AppContext {
  marketplaceApp: MarketplaceApp;
  accessTokens: AccessTokens;
  onWork: Wake;
}

const path = "/admin/app";
const tag = "App";
const by = "operator";
const secret = z.string().trim().min(1).max(500, "must have 500 characters at most");

const body = z.strictObject({
  clientId: secret
    .regex(/^[^-\s]+-\S+$/, "must look like <app id>-<suffix>")
    .describe("HighLevel: Marketplace, My Apps, the app's Advanced Settings, Auth, Client Keys."),
  clientSecret: secret.meta({
    format: "password",
    description: "Beside the client id. It is sealed, and never shown again.",
  }),
  sharedSecret: secret.optional().meta({
    format: "password",
    description: "Below the client keys. For the console's pages inside HighLevel.",
  }),
});

export const appOperations = {
  getApp: operation({
    ...{ method: "GET", path, tag, by },
    summary: "Shows by which app of HighLevel's marketplace locations are connected. A secret is never given back.",
    answers: { 200: appAnswer },
    handle: async ({ marketplaceApp }: AppContext) => reply(200, await show(marketplaceApp)),
  }),

  putApp: operation({
    ...{ method: "PUT", path, tag, by },
    summary: "Enters the app of HighLevel's marketplace: its client id and secrets, instead of settings.",
    description: "All processes go by it within five seconds. Locations that its secrets were refused for go on.",
    body,
    answers: { 200: appAnswer },
    errors: { 409: "HIGHLEVEL_CLIENT_ID is set: the environment wins." },
    async handle({ marketplaceApp, accessTokens, onWork }: AppContext, { body: secrets }) {
      if (marketplaceApp.isSet) throw new Problem(409, "HIGHLEVEL_CLIENT_ID is set: change the app there");
      for (const locationId of await marketplaceApp.enter(secrets)) accessTokens.forget(locationId);
      onWork("deliveries");
      return reply(200, await show(marketplaceApp));
    },
  }),

  deleteApp: operation({
    ...{ method: "DELETE", path, tag, by },
    summary: "Forgets the app that was entered: the tokens of its locations are not renewed any more.",
    answers: { 204: undefined },
    errors: { 404: "None was entered." },
    async handle({ marketplaceApp }: AppContext) {
      if (!(await marketplaceApp.remove())) throw new Problem(404, "no app was entered");
      return reply(204, undefined);
    },
  }),
};

async function show(marketplaceApp: MarketplaceApp) {
  const { clientId = null, from = null, sharedSecret } = (await marketplaceApp.find()) ?? {};
  return { clientId, from, hasSharedSecret: sharedSecret !== undefined };
}
