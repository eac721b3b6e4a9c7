import { expect, test } from "vitest";
import { createLog } from "../src/log.ts";

test("what must not be logged is left out by its name, should it be given to the log by mistake", () => {
  const lines: string[] = [];
  const log = createLog("info", { write: (line) => void lines.push(line) });
  log("info", "delivery.attempted", { deliveryId: 1, token: "t-0", text: "body-of-mine", to: "+15005550006" });
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ deliveryId: 1, event: "delivery.attempted", token: "[redacted]" });
  expect(lines.join()).not.toMatch(/t-0|body-of-mine|5005550006/);
});
