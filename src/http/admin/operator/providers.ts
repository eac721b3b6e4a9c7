import { z } from "zod";
import { previewProvider, removeProvider, saveProvider } from "../../../registry/declared-providers.ts";
import { findProviders, listProviders } from "../../../store/operate/declared-providers.ts";
import type { ProviderRow } from "../../../store/schema.ts";
import { providerAnswer, providerPreviewAnswer } from "../../answers/operator.ts";
import { pageOf } from "../../answers/page.ts";
import { pageQuery, toPage } from "../../list.ts";
import { operation, reply } from "../../operations/operation.ts";
import { Problem } from "../../problem.ts";
import type { AccountsContext } from "../connections/accounts.ts";
import { requestOf, sampleWebhook } from "../connections/preview.ts";
import type { TrialContext } from "./trial.ts";

const preview = z.strictObject({
  document: z.record(z.string(), z.unknown()),
  request: sampleWebhook,
  /** To try the signature of a real webhook: they are not kept. */
  credentials: z.record(z.string(), z.string()).optional(),
  ownNumber: z.string().optional(),
});

const document = z
  .unknown()
  .meta({ type: "object", description: "As docs/declared-providers.md says; 422 with the path of each mistake." });
const path = "/admin/providers/{name}";
const params = { name: z.string() };
const tag = "Providers";
const by = "operator";
const givenName = z.object({ name: z.unknown() });

/** Providers that are declared by documents. */
export const providerOperations = {
  createProvider: operation({
    ...{ method: "POST", path: "/admin/providers", tag, by },
    summary: "Declares a provider by a document.",
    body: document,
    answers: { 201: providerAnswer },
    errors: { 409: "The name is there, or this is a trial." },
    async handle(context: AccountsContext & TrialContext, { caller, body }) {
      requireNoTrial(context);
      const saved = await saveProvider(context, body, "new");
      caller.ids["provider"] = saved.name;
      return reply(201, show(saved), { Location: `/admin/providers/${saved.name}` });
    },
  }),

  previewProvider: operation({
    ...{ method: "POST", path: "/admin/providers/preview", tag, by },
    summary: "Tells what a document makes of a webhook, and why it is nothing else. Nothing is stored.",
    body: preview,
    answers: { 200: providerPreviewAnswer },
    async handle({ publicUrl }: AccountsContext, { body: { document: draft, request, ...about } }) {
      const url = `${publicUrl}/webhooks/preview`;
      return reply(200, await previewProvider(draft, (contentType) => requestOf(request, url, contentType), about));
    },
  }),

  listProviders: operation({
    ...{ method: "GET", path: "/admin/providers", tag, by },
    summary: "Lists declared providers, without those of `PROVIDERS_DIR`.",
    query: pageQuery,
    answers: { 200: pageOf(providerAnswer) },
    async handle({ people }: AccountsContext, { query: { limit, cursor } }) {
      const rows = await listProviders(people, { after: cursor, limit: limit + 1 });
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.name, show }));
    },
  }),

  getProvider: operation({
    ...{ method: "GET", path, tag, by },
    summary: "Shows a declared provider.",
    params,
    answers: { 200: providerAnswer },
    async handle({ people }: AccountsContext, { params: { name } }) {
      const [row] = await findProviders(people, [name]);
      if (!row || row.deletedAt) throw new Problem(404, `there is no declared provider ${name}`);
      return reply(200, show(row));
    },
  }),

  putProvider: operation({
    ...{ method: "PUT", path, tag, by },
    summary: "Makes or changes a declared provider.",
    params,
    body: document,
    answers: { 200: providerAnswer },
    errors: { 409: "The credentials of an account would no longer fit, or this is a trial." },
    async handle(context: AccountsContext & TrialContext, { caller, params: { name }, body }) {
      caller.ids["provider"] = name;
      requireNoTrial(context);
      const given = givenName.safeParse(body).data?.name;
      if (given !== undefined && given !== name) {
        const errors = [{ path: "name", message: `must be ${name}` }];
        throw new Problem(422, "the document has another name", { errors });
      }
      return reply(200, show(await saveProvider(context, body, "new or changed")));
    },
  }),

  deleteProvider: operation({
    ...{ method: "DELETE", path, tag, by },
    summary: "Removes a declared provider.",
    params,
    answers: { 204: undefined },
    errors: { 409: "It has accounts, or this is a trial." },
    async handle(context: AccountsContext & TrialContext, { caller, params: { name } }) {
      caller.ids["provider"] = name;
      requireNoTrial(context);
      await removeProvider(context, name);
      return reply(204, undefined);
    },
  }),
};

/** Declared providers are of the process, which is another bridge's: its own would be replaced. */
function requireNoTrial({ isTrial }: TrialContext): void {
  if (isTrial) throw new Problem(409, "a trial takes no declared providers: declare them at the bridge itself");
}

const show = ({ name, document: kept, createdAt, updatedAt }: ProviderRow) => ({
  ...{ name, document: kept, createdAt, updatedAt },
});
