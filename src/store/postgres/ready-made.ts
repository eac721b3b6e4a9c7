import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { packageRoot } from "../../package.ts";
import { migrationsFolder } from "./migrate.ts";

/**
 * Where `npm run build` leaves an embedded database that is new and has all migrations. Another version of PGlite may not
 * read it, and other migrations would make another one: its name tells of both, so that it is found by its like alone.
 */
export function readyMadeFolder(migrations = migrationsFolder): string {
  const pglite = createRequire(import.meta.url).resolve("@electric-sql/pglite");
  const { version } = JSON.parse(readFileSync(join(pglite, "../../package.json"), "utf8"));
  const hash = createHash("sha256");
  const statements = readdirSync(migrations).filter((name) => name.endsWith(".sql"));
  for (const name of ["meta/_journal.json", ...statements.toSorted()])
    hash.update(readFileSync(join(migrations, name)));
  return join(packageRoot, "dist/embedded", `${version}-${hash.digest("hex").slice(0, 16)}`);
}

/**
 * Copies it to where nothing is yet; without one, and at a later start, nothing happens. The folder gets its name when it is
 * whole: after a start that died over it the next one begins anew.
 */
export function copyReadyMade(folder: string, given?: string): void {
  if (existsSync(folder)) return;
  const readyMade = given ?? readyMadeFolder();
  if (!existsSync(readyMade)) return;
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  cpSync(readyMade, making, { recursive: true });
  chmodSync(making, 0o700);
  renameSync(making, folder);
}
