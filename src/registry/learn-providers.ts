import { type Loop, startLoop } from "../concurrency/loop.ts";
import { InvalidRequest } from "../errors.ts";
import type { Log } from "../log.ts";
import { readDocument } from "../providers/declared/document/read-document.ts";
import {
  adapterOf,
  type DeclaredOrigin,
  declaredOrigins,
  declareProvider,
  isDeclaredName,
  offeredNames,
  withdrawProvider,
} from "../providers/registry.ts";
import {
  findProviders,
  holdProvider,
  listProvidersInUse,
  listProviderVersions,
} from "../store/operate/declared-providers.ts";
import type { Db } from "../store/postgres/database.ts";
import type { ProviderRow } from "../store/schema.ts";

/** A declared provider that this process cannot know. */
export interface UnknownProvider {
  provider: string;
  detail: string;
}

let lastBegun = 0;
let lastTaken = 0;

/**
 * Has this process know what providers are declared in the database, as they are now. Of several that run at once the latest
 * counts. Gives those that cannot be known: documents that this version does not take, and what a file has declared already.
 * A trial's database declares none, and the bridge beside it in this process goes by what its own one has.
 */
export async function learnProviders(db: Db): Promise<UnknownProvider[]> {
  const turn = ++lastBegun;
  const stored = new Map((await listProviderVersions(db)).map(({ name, version }) => [name, version]));
  // Rows of deleted ones stay: where there are none nothing was ever declared.
  if (stored.size === 0) return [];
  const known = declaredOrigins();
  const isKnown = (name: string) => versionOf(known.get(name)) === stored.get(name);
  const rows = await findProviders(
    db,
    [...stored.keys()].filter((name) => !isKnown(name)),
  );
  if (turn < lastTaken) return [];
  lastTaken = turn;
  for (const [name, origin] of declaredOrigins()) {
    if (!("file" in origin || stored.has(name))) withdrawProvider(name);
  }
  return rows.flatMap(takeRow);
}

const versionOf = (origin: DeclaredOrigin | undefined) => (origin && "version" in origin ? origin.version : undefined);

function takeRow({ name, document, version, deletedAt }: ProviderRow): UnknownProvider[] {
  const origin = declaredOrigins().get(name);
  if (origin && "file" in origin) {
    return [{ provider: name, detail: `${origin.file} in PROVIDERS_DIR declares it, too: that one counts` }];
  }
  try {
    declareProvider(readDocument(document), { version, isDeleted: deletedAt !== null });
    return [];
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    const [first] = error.errors;
    const where = first ? `${first.path}: ${first.message}` : error.message;
    return [{ provider: name, detail: `this version does not take its document: ${where}` }];
  }
}

/** Another process may have declared it a moment ago. */
export async function learnIfUnknown(db: Db, provider: string): Promise<void> {
  if (isDeclaredName(provider) && !adapterOf(provider)) await learnProviders(db);
}

/** What there is to know of a provider that somebody wants an account of. */
export async function learnOf(db: Db, provider: string): Promise<void> {
  if (isDeclaredName(provider)) await learnProviders(db);
}

/**
 * Until the transaction ends a declared provider is neither deleted nor changed, so that an account of it can be made. Throws
 * an InvalidRequest when it was, since this process learned of it.
 */
export async function holdDeclared(tx: Db, provider: string): Promise<void> {
  const origin = declaredOrigins().get(provider);
  if (!origin || "file" in origin) return;
  const row = await holdProvider(tx, provider);
  if (!row) throw notOffered(provider);
  if (row?.version === origin.version) return;
  const message = "was changed just now: try again";
  throw new InvalidRequest("conflict", `provider ${provider} ${message}`, [{ path: "provider", message }]);
}

function notOffered(provider: string): InvalidRequest {
  const message = `must be one of ${offeredNames().join(", ")}`;
  return new InvalidRequest("invalid", `provider ${provider} is deleted`, [{ path: "provider", message }]);
}

/** How often the other processes look: within so many seconds they know what one of them has saved. */
const pollSeconds = 2;

/** Learns at once, and goes on until it is stopped. What cannot be known leaves a line `provider.unknown`, once. */
export async function startLearning({ db, log }: { db: Db; log: Log }): Promise<Pick<Loop, "stop">> {
  const told = new Set<string>();
  const tell = (unknown: UnknownProvider) => {
    const line = JSON.stringify(unknown);
    if (!told.has(line)) log("error", "provider.unknown", { ...unknown });
    told.add(line);
  };
  const learn = async () => {
    for (const unknown of await learnProviders(db)) tell(unknown);
    return false;
  };
  await learn();
  for (const provider of await listProvidersInUse(db)) {
    if (!adapterOf(provider))
      tell({ provider, detail: "accounts are of it, and neither this version nor a document has it" });
  }
  return startLoop({ log, name: "providers", pollSeconds, run: learn });
}
