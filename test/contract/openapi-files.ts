import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** As HighLevel writes it: what is looked at is named, whatever else it holds stays as it is. */
export interface OpenapiDocument {
  paths: Record<string, Record<string, PublishedOperation>>;
  components: { schemas: Record<string, unknown> };
}

export interface PublishedOperation {
  parameters?: { name: string; in: "header" | "path" | "query"; required?: boolean; schema: Record<string, unknown> }[];
  requestBody?: { required?: boolean; content: PublishedContent };
  responses: Record<string, { content?: PublishedContent }>;
}
type PublishedContent = Record<string, { schema: Record<string, unknown> }>;

/** The documents of one generation of the API, and the refusals that they share. */
export interface Generation {
  documents: OpenapiDocument[];
  common: OpenapiDocument;
}

const repository = "https://github.com/GoHighLevel/highlevel-api-docs";
const apps = ["conversations", "contacts", "locations", "oauth"];

/** HighLevel's own description of its API, in a checkout of its repository. Throws an Error that says what is missing, and where it is to be had. */
export function readOpenapi(folder: string | undefined): { dated: Generation; v3: Generation } {
  const help = `Set HIGHLEVEL_OPENAPI to a checkout of HighLevel's OpenAPI files: git clone ${repository}`;
  if (!folder) throw new Error(`HIGHLEVEL_OPENAPI is not set. ${help}`);
  const read = (path: string): OpenapiDocument => {
    const file = join(folder, path);
    if (!existsSync(file)) throw new Error(`HIGHLEVEL_OPENAPI: there is no ${file}. ${help}`);
    return JSON.parse(readFileSync(file, "utf8"));
  };
  return {
    dated: {
      documents: apps.map((app) => read(`apps/${app}.json`)),
      common: read("common/common-schemas.json"),
    },
    v3: {
      documents: apps.map((app) => read(`apps/v3/${app}-v3.json`)),
      common: read("apps/v3/common/common-schemas.json"),
    },
  };
}
