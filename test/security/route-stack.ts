import type { Express } from "express";

interface Layer {
  rawPath?: string;
  route?: { path: string | string[]; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
}

/** Every route that the app answers at, as in `GET /admin/keys/:id`, read out of Express itself. */
export function routesOf(app: Express): string[] {
  const { stack } = (app as unknown as { router: { stack: Layer[] } }).router;
  return stack.flatMap((layer) => routesOfLayer(layer, ""));
}

function routesOfLayer(layer: Layer, mount: string): string[] {
  const { route, rawPath, handle } = layer;
  if (route) {
    const methods = Object.keys(route.methods).map((method) => method.toUpperCase());
    const paths = [route.path].flat().map((path) => `${mount}${path === "/" ? "" : path}`);
    return methods.flatMap((method) => paths.map((path) => `${method} ${path}`));
  }
  if (!handle.stack) return [];
  if (rawPath === undefined) throw new Error("a router stands where nobody can tell: give it a path of its own");
  const below = `${mount}${rawPath === "/" ? "" : rawPath}`;
  return handle.stack.flatMap((inner) => routesOfLayer(inner, below));
}
