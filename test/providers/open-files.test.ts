import { describe, expect, test } from "vitest";
import { providers } from "../support/providers.ts";

const url = "https://bridge.example.com/webhooks/1";
const opening = providers.filter(({ adapter }) => adapter.openFiles);

describe.each(opening)("$name", ({ adapter, signer, fixtures }) => {
  test.each(fixtures)("opens as many files as $name names, each of the size that it says", async ({ fixture }) => {
    const request = signer.sign(fixture.request, { url, at: new Date() });
    const [event] = await adapter.parse(request);
    const attachments = event?.kind === "message" ? event.attachments : [];
    const files = await adapter.openFiles?.(request);
    expect(files).toHaveLength(attachments.length);
    for (const [index, { url, sizeBytes }] of attachments.entries()) {
      const file = files?.[index];
      if (url !== undefined) expect(file).toBeUndefined();
      if (file) expect(file).toHaveLength(sizeBytes ?? -1);
    }
  });
});
