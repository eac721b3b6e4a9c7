import { writeFileSync } from "node:fs";
import { createDocument } from "../src/http/openapi/document.ts";

/** `npm run docs:released`, at a release: what clients are written by from then on, which test/http/compatible.test.ts holds. */
writeFileSync("docs/openapi.released.json", `${JSON.stringify(createDocument(), null, 1)}\n`);
