import { version } from "../../package.ts";
import { adminOperations } from "../admin/operations.ts";
import { sendOperations } from "../send.ts";
import { type Described, describe, describeTold } from "./describe.ts";
import { problem, problemResponses } from "./problems.ts";
import { createSchemas, type Json } from "./schemas.ts";
import { tags } from "./tags.ts";
import { told } from "./told.ts";

/** All operations behind a key, by their ids. */
export const apiOperations: Record<string, Described> = { ...adminOperations, ...sendOperations };

/** The API as OpenAPI 3.1 says it. `isStrict` is for tests: an answer must hold nothing that is not in it. */
export function createDocument({ serverUrl = "/", isStrict = false } = {}): Json {
  const schemas = createSchemas(isStrict);
  const paths: Record<string, Json> = {};
  for (const [operationId, operation] of Object.entries(apiOperations)) {
    const verb = operation.method.toLowerCase();
    paths[operation.path] = { ...paths[operation.path], [verb]: describe(schemas, operationId, operation) };
  }
  const problemBody = { "application/problem+json": { schema: schemas.of(problem, "output") } };
  const responses = Object.values(problemResponses).map(([name, description]) => [
    name,
    { description, content: problemBody },
  ]);
  const webhooks = Object.entries(told).map(([name, each]) => [name, { post: describeTold(schemas, name, each) }]);
  return {
    openapi: "3.1.0",
    info: {
      title: "Conversation Bridge",
      version,
      description: "Connects providers of SMS and email to HighLevel as a custom conversation provider.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: serverUrl }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    webhooks: Object.fromEntries(webhooks),
    components: {
      securitySchemes: {
        operator: { type: "http", scheme: "bearer", description: "ADMIN_API_KEY." },
        key: { type: "http", scheme: "bearer", description: "An integrator's key: it sees and does what it reaches." },
      },
      responses: Object.fromEntries(responses),
      schemas: schemas.named,
    },
  };
}
