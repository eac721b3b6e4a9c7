import { join } from "node:path";

/** As it is built for production, or as it lies in `src`, which tsx makes somewhat slower. */
export type ProductKind = "dist" | "src";

export const projectRoot = join(import.meta.dirname, "..");

/** A module of the product by its path in `src`, without its ending. */
export function loadProduct<Module>(kind: ProductKind, path: string): Promise<Module> {
  return import(join(projectRoot, kind === "dist" ? `dist/modules/${path}.js` : `src/${path}.ts`)) as Promise<Module>;
}

/** How node starts the product. */
export const mainOf = (kind: ProductKind): string[] =>
  kind === "dist" ? [join(projectRoot, "dist/main.js")] : ["--import", "tsx", join(projectRoot, "src/main.ts")];
