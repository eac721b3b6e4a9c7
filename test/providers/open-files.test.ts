import { describe, expect, test } from "vitest";
import { providers } from "../support/providers.ts";

const url = "https://bridge.example.com/webhooks/1";
const opening = providers.filter(({ adapter }) => adapter.openFiles);

describe.each(opening)("$name", ({ adapter, signer, fixtures }) => {
  test.each(fixtures)("opens as many files as $name names, each of the size that it says", async ({ fixture }) => {
    const request = signer.sign(fixture.request, { url, at: new Date() });
    const events = await adapter.parse(request);
    const messages = events.filter((event) => event.kind === "message");
    for (const { providerMessageId, attachments } of messages) {
      const files = await adapter.openFiles?.(request, providerMessageId);
      const sizes = attachments.map(({ url, sizeBytes }) => (url === undefined ? sizeBytes : undefined));
      expect(files?.map((file, index) => (file ? file.length : sizes[index]))).toEqual(sizes);
      expect(files?.filter((file, index) => file && attachments[index]?.url)).toEqual([]);
    }
    if (messages.length === 0) expect(await adapter.openFiles?.(request)).toEqual([]);
  });
});
