import { expect, test } from "vitest";
import { createRowReader } from "../../../src/inbox/imports/read-row.ts";
import { requireAdapter } from "../../../src/registry/require-fitting.ts";

const mapping = {
  ...{ id: "m", accountId: "a", locationId: "l", provider: "generic-sms", adapter: requireAdapter("generic-sms") },
  ...{ channel: "sms", type: "Custom", address: "+15005550009" },
} as unknown as Parameters<typeof createRowReader>[0];
const row = { date: "2025-01-31T09:30:00Z", direction: "inbound", person: "+553188887777", text: "Olá" };

test("a line that names somebody by a former number is of the person of today, and keeps the id that it had before", () => {
  expect(createRowReader(mapping)(1, row)).toMatchObject({
    person: "+5531988887777",
    message: {
      // As a version made it that knew of no former numbers: a file that is imported again is posted once.
      providerMessageId: "import-cdd26309f881b3f2ebf5aece5b44eb21765c421c",
      ...{ from: "+5531988887777", fromSpelling: "+553188887777" },
    },
  });
});
