import { databaseFaults } from "./database-faults.ts";
import { handOverFaults } from "./hand-over-faults.ts";
import { highlevelFaults } from "./highlevel-faults.ts";
import { processFaults } from "./process-faults.ts";
import type { Scenario } from "./scenario.ts";

/** Everything at once, as on a bad day. */
const badDay: Scenario = {
  name: "bad-day",
  about: "kill -9, cut connections, lost answers, 429 and 503, all at the same time",
  async disturb(world) {
    world.sandbox.setFaults([
      { kind: "no-answer", rate: 0.03, path: "/conversations/messages/inbound" },
      { kind: "half-answer", rate: 0.03, path: "/conversations/messages/inbound" },
      { kind: "status", status: 503, rate: 0.05 },
      { kind: "status", status: 429, retryAfterSeconds: 1, rate: 0.005 },
      { kind: "delay", delayMs: 100, rate: 0.3 },
    ]);
    const cut = databaseFaults.find(({ name }) => name === "cut-connections")?.disturb(world);
    const kill = processFaults.find(({ name }) => name === "kill")?.disturb(world);
    await Promise.all([cut, kill]);
    world.sandbox.setFaults([]);
  },
};

export const scenarios: Scenario[] = [
  ...processFaults,
  ...databaseFaults,
  ...handOverFaults,
  ...highlevelFaults,
  badDay,
];
