import { expect, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { createTrials } from "../src/start-trial.ts";

const log = () => undefined;
const settings = { ADMIN_API_KEY: "x".repeat(32), PUBLIC_URL: "http://127.0.0.1:3000", HOST: "127.0.0.1" };

test.each<[string, Record<string, string>, boolean]>([
  ["nothing is set", {}, true],
  ["all of it is this machine's", settings, true],
  ["the server listens for others", { ...settings, HOST: "0.0.0.0" }, false],
  ["a proxy hands on what others ask", { ...settings, PUBLIC_URL: "https://bridge.example.com" }, false],
  ["the name only begins like this machine's", { ...settings, PUBLIC_URL: "http://127.0.0.1.example.com" }, false],
])("a trial is offered where nobody else reaches the bridge: %s", (_what, environment, isOffered) => {
  expect(createTrials(readConfig(environment), log).start !== undefined).toBe(isOffered);
});
