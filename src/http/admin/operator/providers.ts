import { Router } from "express";
import { z } from "zod";
import { previewProvider, removeProvider, saveProvider } from "../../../registry/declared-providers.ts";
import { findProviders, listProviders } from "../../../store/operate/declared-providers.ts";
import type { ProviderRow } from "../../../store/schema.ts";
import { callerOf } from "../../caller.ts";
import { pageQuery, toPage } from "../../list.ts";
import { Problem, parseInput } from "../../problem.ts";
import type { AccountsContext } from "../accounts.ts";
import { requestOf, sampleWebhook } from "../preview.ts";

const preview = z.strictObject({
  document: z.record(z.string(), z.unknown()),
  request: sampleWebhook,
  /** To try the signature of a real webhook: they are not kept. */
  credentials: z.record(z.string(), z.string()).optional(),
  ownNumber: z.string().optional(),
});

const listQuery = z.object(pageQuery);

/**
 * Providers that are declared by documents, for the holder of ADMIN_API_KEY alone; docs/declared-providers.md has the format.
 * `POST /admin/providers` 201, 409 for a name that is there · `PUT /admin/providers/{name}` 200: makes or changes it; 409 where
 * the credentials of an account would no longer fit · `GET /admin/providers[/{name}]` 200 · `DELETE` 204; 409 while it has
 * accounts. A wrong document is 422 with the path of each mistake, and so is one that does not do what its samples say.
 * `POST /admin/providers/preview` 200: what a document makes of a webhook, and why it is nothing else. Nothing is stored.
 */
export function providerRoutes(context: AccountsContext): Router {
  const { people, publicUrl } = context;
  const router = Router();

  router.post("/", async (req, res) => {
    const saved = await saveProvider(context, req.body, "new");
    callerOf(res).ids["provider"] = saved.name;
    res.status(201).location(`/admin/providers/${saved.name}`).json(show(saved));
  });

  router.post("/preview", async (req, res) => {
    const { document, request, ...about } = parseInput(preview, req.body);
    const url = `${publicUrl}/webhooks/preview`;
    res.json(await previewProvider(document, (contentType) => requestOf(request, url, contentType), about));
  });

  router.get("/", async (req, res) => {
    const { limit, cursor } = parseInput(listQuery, req.query);
    const rows = await listProviders(people, { after: cursor, limit: limit + 1 });
    res.json(toPage(rows, { limit, keyOf: (row) => row.name, show }));
  });

  router.get("/:name", async (req, res) => {
    const [row] = await findProviders(people, [req.params.name]);
    if (!row || row.deletedAt) throw new Problem(404, `there is no declared provider ${req.params.name}`);
    res.json(show(row));
  });

  router.put("/:name", async (req, res) => {
    const { name } = req.params;
    callerOf(res).ids["provider"] = name;
    const given = (req.body as { name?: unknown } | undefined)?.name;
    if (given !== undefined && given !== name) {
      throw new Problem(422, "the document has another name", {
        errors: [{ path: "name", message: `must be ${name}` }],
      });
    }
    res.json(show(await saveProvider(context, req.body, "new or changed")));
  });

  router.delete("/:name", async (req, res) => {
    const { name } = req.params;
    callerOf(res).ids["provider"] = name;
    await removeProvider(context, name);
    res.status(204).end();
  });
  return router;
}

const show = ({ name, document, createdAt, updatedAt }: ProviderRow) => ({ name, document, createdAt, updatedAt });
