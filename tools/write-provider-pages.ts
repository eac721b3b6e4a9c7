import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { composePages } from "./provider-pages.ts";

const folder = join(import.meta.dirname, "../docs/providers");
const pages = composePages();
mkdirSync(folder, { recursive: true });
for (const file of readdirSync(folder)) if (!Object.hasOwn(pages, file)) rmSync(join(folder, file));
for (const [file, text] of Object.entries(pages)) writeFileSync(join(folder, file), text);
