import { InvalidRequest } from "../errors.ts";
import type { WebhookRequest } from "../model.ts";
import { checkSamples } from "../providers/declared/check-samples.ts";
import { declaredProvider } from "../providers/declared/declared-provider.ts";
import type { ProviderDocument, SavedDocument } from "../providers/declared/document/document.ts";
import { readDocument, readDraft } from "../providers/declared/document/read-document.ts";
import { type DocumentPreview, previewDocument } from "../providers/declared/preview-document.ts";
import { declaredOrigins } from "../providers/registry.ts";
import {
  listAccountsOfProvider,
  listProviderVersions,
  lockProvider,
  markProviderDeleted,
  putProvider,
} from "../store/operate/declared-providers.ts";
import type { Db } from "../store/postgres/database.ts";
import type { AccountRow, ProviderRow } from "../store/schema.ts";
import { openCredentials } from "./accounts.ts";
import { learnProviders } from "./learn-providers.ts";
import type { RegisterContext } from "./register.ts";
import { requireCredentials } from "./require-fitting.ts";

/** Providers that the operator declares by documents. Each function throws an InvalidRequest that names the path. */

/** The document, if it is one and does what its samples say. */
export async function requireDocument(given: unknown): Promise<SavedDocument> {
  const document = readDocument(given);
  const issues = await checkSamples(document);
  if (issues.length === 0) return document;
  const errors = issues.slice(0, maxIssues).map(({ path, message }) => ({ path: path.join("."), message }));
  throw new InvalidRequest("invalid", "the document does not do what its samples say", errors);
}

const maxIssues = 10;
const maxProviders = 100;

/** Known to this process at once, and to the others within seconds. */
export async function saveProvider(
  { db, sealer }: RegisterContext,
  given: unknown,
  mode: "new" | "new or changed",
): Promise<ProviderRow> {
  const document = await requireDocument(given);
  const { name } = document;
  requireNoFile(name);
  const saved = await db.transaction(async (tx) => {
    const kept = await lockProvider(tx, name);
    if (kept && !kept.deletedAt && mode === "new") {
      throw new InvalidRequest(
        "conflict",
        `provider ${name} is there already: PUT /admin/providers/${name} changes it`,
      );
    }
    if (!kept && (await listProviderVersions(tx)).length >= maxProviders) {
      throw new InvalidRequest(
        "conflict",
        `there are ${maxProviders} declared providers already, deleted ones counted`,
      );
    }
    if (kept) await requireKeptCredentials({ db: tx, sealer }, document, kept);
    return putProvider(tx, name, document);
  });
  await learnProviders(db);
  return saved;
}

/** What accounts of it have stored must go on working: one by one, as many as there are. */
async function requireKeptCredentials(context: RegisterContext, document: SavedDocument, kept: ProviderRow) {
  const needed = neededToSend(document);
  const neededBefore = neededToSend(kept.document as SavedDocument);
  for await (const account of accountsOf(context.db, document.name)) {
    for (const stored of openCredentials(account, context.sealer)) {
      requireStillFitting(account, document, stored);
      const lacking = lackingIn(stored, needed);
      if (lacking === undefined || lackingIn(stored, neededBefore) !== undefined) continue;
      const message = `account ${account.id} could no longer send: it has no ${lacking}`;
      throw new InvalidRequest("conflict", message, [{ path: `credentials.${lacking}`, message }]);
    }
  }
}

function requireStillFitting(account: AccountRow, document: ProviderDocument, stored: unknown): void {
  try {
    requireCredentials(declaredProvider(document), document.name, stored);
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    // The path alone: what does not fit may be said in words that hold a part of it.
    const paths = error.errors.map(({ path }) => path).join(", ");
    const message = `account ${account.id} has credentials that would no longer fit: ${paths}`;
    throw new InvalidRequest("conflict", message, [{ path: "credentials", message }]);
  }
}

const neededToSend = ({ credentials }: Pick<ProviderDocument, "credentials">) =>
  Object.entries(credentials).flatMap(([name, { need }]) => (need === "to send" ? [name] : []));

const lackingIn = (stored: unknown, needed: string[]) => needed.find((name) => !Object.hasOwn(stored as object, name));

const pageSize = 200;

async function* accountsOf(db: Db, provider: string): AsyncGenerator<AccountRow> {
  let after: string | undefined;
  do {
    const page = await listAccountsOfProvider(db, provider, { after, limit: pageSize });
    yield* page;
    after = page.length < pageSize ? undefined : page.at(-1)?.id;
  } while (after !== undefined);
}

/** Its row stays, for accounts that were deleted before. */
export async function removeProvider({ db }: Pick<RegisterContext, "db">, name: string): Promise<void> {
  requireNoFile(name);
  await db.transaction(async (tx) => {
    const kept = await lockProvider(tx, name);
    if (!kept || kept.deletedAt) throw new InvalidRequest("not_found", `there is no declared provider ${name}`);
    const [account] = await listAccountsOfProvider(tx, name, { limit: 1 });
    if (account) {
      throw new InvalidRequest("conflict", `provider ${name} has accounts, such as ${account.id}: delete those first`);
    }
    await markProviderDeleted(tx, name);
  });
  await learnProviders(db);
}

function requireNoFile(name: string): void {
  const origin = declaredOrigins().get(name);
  if (!origin || !("file" in origin)) return;
  throw new InvalidRequest("conflict", `${origin.file} in PROVIDERS_DIR declares ${name}: change it there`);
}

/** What a document makes of a webhook, and why not something else. Nothing is stored. */
export async function previewProvider(
  given: unknown,
  request: (contentType: string) => WebhookRequest,
  about: { credentials?: unknown; ownNumber?: string | undefined },
): Promise<DocumentPreview> {
  const document = readDraft(given);
  if (about.credentials !== undefined) {
    requireCredentials(declaredProvider(document), document.name, about.credentials);
  }
  return previewDocument(document, request(document.receives.contentTypes[0] ?? ""), about);
}
