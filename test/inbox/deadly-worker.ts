import { createProcessing } from "../../src/inbox/process-webhooks.ts";
import { inlineReading } from "../../src/providers/reading.ts";
import { createListeners } from "../../src/registry/endpoints/listeners.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";

/** Processes what the database of a URL holds, and is killed when it reads a webhook with the word `poison`. */
const { db, people, close } = await openDatabase({ url: process.argv[2] ?? "", poolSize: 3, startSeconds: 10 });
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
