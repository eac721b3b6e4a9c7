import axios from "axios";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { attacks } from "./attacks.ts";
import { recorded } from "./recorded.ts";
import { type Stage, secretWord, startStage } from "./stage.ts";

const { size, mostMs } = inject("attack");
let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage?.stop());

describe("while one tenant attacks, the other's webhooks are answered and its messages arrive", () => {
  test.each([...recorded, ...attacks])(
    "$name",
    async ({ run }) => {
      const attack = run(stage, size);
      attack.catch(() => "it is told once the witness is through");
      const answers = await stage.witness(Math.ceil(200 * Math.max(size, 0.1)));
      await attack;
      answers.push(...(await stage.witness(20)));
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      const slowest = answers.map(({ ms }) => ms).toSorted((a, b) => a - b)[Math.floor(answers.length * 0.99)] ?? 0;
      process.stdout.write(`99 of 100 answers within ${Math.ceil(slowest)} ms\n`);
      if (mostMs !== undefined) expect(slowest).toBeLessThan(mostMs);
      await stage.untilArrived();
    },
    600_000,
  );

  test("and the process that bore it all is the one that was started", async () => {
    expect(stage.cluster.bridges).toHaveLength(1);
    expect(await Promise.race([stage.cluster.bridges[0]?.exited, "alive"])).toBe("alive");
    const isBroken = (line: string) => /"event":"(request\.broke|worker\.failed|process\.\w+)"/.test(line);
    expect(stage.cluster.bridges[0]?.logLines.filter(isBroken)).toEqual([]);
  });

  test("and nothing of the other is shown to the attacker's key", async () => {
    const { key } = stage.attacker;
    const { locationId, contact, mappings } = stage.victim;
    const theirs = [secretWord, locationId, contact.phone, ...Object.values(mappings).map(({ id }) => id)];
    const url = stage.cluster.bridges[0]?.url;
    for (const list of ["messages", "deliveries", "webhooks", "mappings", "locations"]) {
      const asked = { headers: { authorization: `Bearer ${key}` }, responseType: "text" as const };
      const { data, status } = await axios.get(`${url}/admin/${list}?limit=100`, asked);
      expect(status).toBe(200);
      for (const each of theirs) expect(data).not.toContain(each);
    }
  });
});
