import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { adminApiKey } from "../support/bridge.ts";
import { startBrowser } from "../support/browser.ts";
import { type Stage, startStage } from "./stage.ts";
import { walksOf } from "./walks.ts";

const browser = await startBrowser();
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** Where pictures of all pages go, to be looked at. */
// biome-ignore lint/style/noProcessEnv: it is asked for by hand.
const pictures = process.env["CONSOLE_PICTURES"];

describe.skipIf(!browser).sequential("the console in a browser", () => {
  let stage: Stage;
  let contexts: BrowserContext[] = [];
  /** Whatever a page must not do. */
  let alarms: string[] = [];

  beforeAll(async () => {
    stage = await startStage();
    if (pictures) mkdirSync(pictures, { recursive: true });
  });
  afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    contexts = [];
    expect(alarms).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await stage.bridge.stop();
  });

  /** Signed in by the form, as a person is. */
  async function open(key: string, options: Parameters<NonNullable<typeof browser>["newContext"]>[0] = {}) {
    if (!browser) throw new Error("there is no browser");
    alarms = [];
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.on("pageerror", (error) => alarms.push(`error ${error.message}`));
    page.on("dialog", (dialog) => alarms.push(`dialog ${dialog.message()}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(stage.bridge.url) && !request.url().startsWith("data:"))
        alarms.push(`request ${request.url()}`);
    });
    page.on("console", (line) => {
      if (!/Failed to load resource.*(401|403|404|409|422)/.test(line.text())) alarms.push(line.text());
    });
    await page.goto(`${stage.bridge.url}/console`);
    await page.getByLabel("Key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    return page;
  }
  const goTo = (page: Page, path: string) => page.goto(`${stage.bridge.url}/console${path}`);
  const shown = () => walksOf(stage).filter(({ route, own }) => route.startsWith("GET") && own === 200);

  test.each(["light", "dark"] as const)(
    "no page breaks a rule of axe in %s, nor is wider than its window",
    async (colorScheme) => {
      const page = await open(adminApiKey, { colorScheme, bypassCSP: true });
      for (const { path } of shown()) {
        await goTo(page, path);
        await page.addScriptTag({ path: axe });
        const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
          "axe.run({ iframes: false })",
        );
        expect(violations.map(({ id, nodes }) => `${path}: ${id}: ${nodes[0]?.html}`)).toEqual([]);
        const name = path.replace(/\W+/g, "-").replace(/[\da-f-]{36}|\d+/g, "x");
        if (pictures) await page.screenshot({ path: `${pictures}/${colorScheme}${name}.png`, fullPage: true });
        await page.setViewportSize({ width: 360, height: 740 });
        expect(await page.evaluate("document.documentElement.scrollWidth"), path).toBeLessThanOrEqual(360);
        if (pictures) await page.screenshot({ path: `${pictures}/${colorScheme}${name}-360.png` });
        await page.setViewportSize({ width: 1280, height: 900 });
      }
    },
  );
});
