import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Processes what the database of a URL holds by compiled modules, and is killed when it reads a webhook with the word `poison`. */
const [url = "", modules = ""] = process.argv.slice(2);
const load = <Module>(path: string): Promise<Module> => import(pathToFileURL(join(modules, path)).href);
const { createProcessing } =
  await load<typeof import("../../src/inbox/process-webhooks.ts")>("inbox/process-webhooks.js");
const { inlineReading } = await load<typeof import("../../src/providers/reading.ts")>("providers/reading.js");
const { createListeners } = await load<typeof import("../../src/registry/endpoints/listeners.ts")>(
  "registry/endpoints/listeners.js",
);
const { openDatabase } = await load<typeof import("../../src/store/postgres/open-database.ts")>(
  "store/postgres/open-database.js",
);

const { db, people, close } = await openDatabase({ url, poolSize: 3, startSeconds: 10 });
const processWebhooks = createProcessing({
  db,
  apart: people,
  log: () => undefined,
  visibleAfterSeconds: 0,
  listeners: createListeners(db),
  applyInstall: () => Promise.reject(new Error("is not called here")),
  reading: {
    ...inlineReading,
    async parse(provider, request, ownAddress) {
      if (!request.body.includes("poison")) return inlineReading.parse(provider, request, ownAddress);
      process.kill(process.pid, "SIGKILL");
      return new Promise(() => undefined);
    },
  },
});
while (await processWebhooks());
await close();
