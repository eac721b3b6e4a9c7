import { describe, expect, test } from "vitest";
import { adapterOf } from "../../src/providers/registry.ts";
import { signer as genericEmail } from "../fixtures/generic-email/sign.ts";
import { signer as mailgun } from "../fixtures/mailgun/sign.ts";
import { signer as postmark } from "../fixtures/postmark/sign.ts";
import { readFixtures, type Signer } from "../support/fixtures.ts";

const signers: Record<string, Signer> = { postmark, mailgun, "generic-email": genericEmail };

describe.each(Object.entries(signers))("%s", (provider, signer) => {
  test.each(readFixtures(provider))(
    "opens as many files as $name names, each of the size that it says",
    async (each) => {
      const adapter = adapterOf(provider);
      const request = signer.sign(each.fixture.request, {
        url: "https://bridge.example.com/webhooks/1",
        at: new Date(),
      });
      const [event] = (await adapter?.parse(request)) ?? [];
      const attachments = event?.kind === "message" ? event.attachments : [];
      const files = await adapter?.openFiles?.(request);
      expect(files).toHaveLength(attachments.length);
      for (const [index, { url, sizeBytes }] of attachments.entries()) {
        const file = files?.[index];
        if (url !== undefined) expect(file).toBeUndefined();
        if (file) expect(file).toHaveLength(sizeBytes ?? -1);
      }
    },
  );
});
