import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { openDatabase } from "../dist/modules/store/postgres/open-database.js";
import { readyMadeFolder } from "../dist/modules/store/postgres/ready-made.js";

/** The last step of `npm run build`: makes the embedded database that each first start then copies. */
const folder = readyMadeFolder();
const dataDir = join(import.meta.dirname, "../dist/making");
for (const path of [dirname(folder), dataDir]) rmSync(path, { recursive: true, force: true });
const database = await openDatabase({ dataDir });
await database.close();
mkdirSync(dirname(folder));
renameSync(join(dataDir, "postgres"), folder);
rmSync(dataDir, { recursive: true });
// The user that the bridge runs as copies it, and that is another one in the image. The copy is closed to others.
for (const path of [".", ...readdirSync(folder, { recursive: true })].map((name) => join(folder, name)))
  chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644);
