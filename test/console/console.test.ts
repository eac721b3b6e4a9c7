import { mkdirSync } from "node:fs";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { adminApiKey } from "../support/bridge.ts";
import { axeScript, startBrowser } from "../support/browser.ts";
import { locationId } from "../support/location.ts";
import { otherLocation, type Stage, secretWords, startStage } from "./stage.ts";
import { walksOf } from "./walks.ts";

const browser = await startBrowser();
/** Where pictures of all pages go, to be looked at. */
// biome-ignore lint/style/noProcessEnv: it is asked for by hand.
const pictures = process.env["CONSOLE_PICTURES"];

/** All pages, in three ways each, however busy the machine is. */
const patientMs = 300_000;

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
    // What the policy keeps from loading fails before it is sent, and is told by the browser, too: that is no fault of the page.
    const isElsewhere = (url: string) => !url.startsWith(stage.bridge.url) && !url.startsWith("data:");
    page.on("requestfinished", (request) => {
      if (isElsewhere(request.url())) alarms.push(`request ${request.url()}`);
    });
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      if (isElsewhere(request.url()) && !/csp/i.test(why)) alarms.push(`request ${request.url()} ${why}`);
    });
    page.on("console", (line) => {
      // Chromium takes several secrets of a provider for several sign-ins.
      const isExpected =
        /Failed to load resource.*(401|403|404|409|422)|sandboxed|Content Security Policy|^\[DOM\] Multiple forms/;
      if (!isExpected.test(line.text())) alarms.push(line.text());
    });
    await page.goto(`${stage.bridge.url}/console`);
    await page.getByLabel("Key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    // What is seen may come before the script that takes keys.
    await page.waitForLoadState("load");
    return page;
  }
  const goTo = (page: Page, path: string) => page.goto(`${stage.bridge.url}/console${path}`);
  /** To the operator, and where nothing is found, or ticked. */
  const shown = () => [
    ...walksOf(stage)
      .filter(({ route, own, admin = own, isStream }) => route.startsWith("GET") && admin === 200 && !isStream)
      .map(({ path }) => path),
    ...["/sign-in", "/nothing-there", "/search?q=nowhere", "/messages?address=nobody", "/replays/new?ticked=true"],
  ];

  test("no page breaks a rule of axe, nor is wider than a window of 360 pixels", { timeout: patientMs }, async () => {
    const page = await open(adminApiKey);
    for (const path of shown()) {
      await goTo(page, path);
      await page.evaluate(axeScript);
      expect(await violationsOf(page), path).toEqual([]);
      await takePicture(page, `light${path}`);
      await page.emulateMedia({ colorScheme: "dark" });
      expect(await violationsOf(page, "runOnly: ['color-contrast']"), `${path} in the dark`).toEqual([]);
      await takePicture(page, `dark${path}`);
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize({ width: 360, height: 740 });
      expect(await page.evaluate("document.documentElement.scrollWidth"), path).toBeLessThanOrEqual(360);
      await takePicture(page, `narrow${path}`);
      await page.setViewportSize({ width: 1280, height: 900 });
    }
  });

  async function violationsOf(page: Page, options = ""): Promise<string[]> {
    const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
      `axe.run({ iframes: false, resultTypes: ['violations'], ${options} })`,
    );
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  }
  async function takePicture(page: Page, name: string): Promise<void> {
    const file = name.replace(/[\da-f]{8}-[\da-f-]{27}|\d+/g, "x").replace(/\W+/g, "-");
    if (pictures) await page.screenshot({ path: `${pictures}/${file.slice(0, 80)}.png`, fullPage: true });
  }

  test("without scripts an operator sees what is wrong, and replays it", async () => {
    const page = await open(adminApiKey, { javaScriptEnabled: false });
    await page.getByRole("link", { name: "Problems" }).click();
    await page
      .getByRole("link", { name: /^Replay \d+…/ })
      .first()
      .click();
    await page.getByRole("button", { name: /^Replay \d/ }).click();
    await page.getByRole("heading", { name: /^Replay \d+ is/ }).waitFor();
    await page.getByRole("heading", { name: /is done$/ }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Key").waitFor();
  });

  test("an integrator finds a message by what is pasted, with the keyboard alone", async () => {
    const page = await open(stage.keys.own);
    await page.keyboard.press("/");
    await page.keyboard.type("m-0");
    await page.keyboard.press("Enter");
    await page.getByText(secretWords).first().waitFor();
    await page.waitForLoadState("load");
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await page.waitForURL("**/console/messages");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("Enter");
    await page.waitForURL(/messages\/\d+$/);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
  });

  test("by keys a row is ticked, and what is ticked is replayed when it has been asked; nothing ticked is nothing", async () => {
    const page = await open(stage.keys.own);
    await goTo(page, "/messages?aside=held");
    await page.keyboard.press("r");
    await page.getByText("Nothing is ticked.").waitFor();
    expect(await page.getByRole("button", { name: /^Replay/ }).count()).toBe(0);
    await goTo(page, "/messages?aside=held");
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    expect(
      await page
        .getByRole("checkbox", { name: /^Message/ })
        .first()
        .isChecked(),
    ).toBe(true);
    await page.keyboard.press("r");
    await page.getByText("Chosen are those with a tick.").waitFor();
    await page.getByRole("button", { name: "Replay 1", exact: true }).waitFor();
  });

  test("a click with Shift ticks all rows from the one that was ticked before", async () => {
    const page = await open(stage.keys.own);
    await goTo(page, "/messages?direction=inbound");
    const boxes = page.getByRole("checkbox", { name: /^Message/ });
    await boxes.nth(3).click();
    await boxes.nth(1).click({ modifiers: ["Shift"] });
    expect(await page.getByRole("checkbox", { checked: true }).count()).toBe(3);
    await boxes.nth(3).click({ modifiers: ["Shift"] });
    expect(await page.getByRole("checkbox", { checked: true }).count()).toBe(0);
  });

  test("who has two locations looks at one of them, and goes on within it", async () => {
    const limits = { name: "Agency", access: "read", locationIds: [locationId, otherLocation] };
    const page = await open((await stage.bridge.admin("POST", "/keys", limits)).body.key);
    await goTo(page, "/messages");
    const places = page.getByLabel("Location", { exact: true }).and(page.getByRole("navigation"));
    expect(await places.getByRole("link").allInnerTexts()).toEqual(["All locations", locationId, otherLocation]);
    await page.getByRole("row").nth(1).waitFor();
    await places.getByRole("link", { name: otherLocation }).click();
    await page.getByText("Nothing fits.").waitFor();
    await page.getByRole("link", { name: /^Problems/ }).click();
    await page.waitForURL(`**/problems?locationId=${otherLocation}`);
    await places.locator("[aria-current]", { hasText: otherLocation }).waitFor();
  });

  test("what happens is told on the live page as it happens, also what came while it was paused", async () => {
    const page = await open(stage.keys.own);
    await goTo(page, "/live");
    await page.getByText("Live.", { exact: true }).waitFor();
    await stage.write("live-1");
    await page
      .getByRole("row", { name: /received/ })
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await stage.write("live-2");
    await page.getByText(/^Paused: [1-9]/).waitFor();
    const before = await page.getByRole("row").count();
    await page.getByRole("button", { name: "Go on" }).click();
    expect(await page.getByRole("row").count()).toBeGreaterThan(before);
    await page
      .getByRole("row", { name: /delivered/ })
      .getByRole("link")
      .first()
      .click();
    await page.waitForURL(/messages\/\d+$/);
  });

  test("a mapping waits for its first message, and shows by itself that it has come", async () => {
    const page = await open(stage.keys.own);
    await goTo(page, `/mappings/${stage.ids.quiet}`);
    await page.getByText("Waiting for the first message…").waitFor();
    await page.getByText("nothing yet").waitFor();
    await stage.write("first-1", stage.ids.quiet);
    await page.getByText("goes on", { exact: true }).waitFor();
    expect(await page.getByText("Waiting for the first message…").count()).toBe(0);
    await goTo(page, "");
    await page.getByRole("heading", { name: "The last messages" }).waitFor();
    const first = await page.locator(".last a").first().getAttribute("href");
    await stage.write("first-2", stage.ids.quiet);
    await page.locator(`.last li:first-child a:not([href="${first}"])`).waitFor();
    await page.getByText(/The last message came [\d.]+ m?s ago/).waitFor();
  });

  test("a message opens beside its list where there is room, and Escape leads back to its row", async () => {
    const page = await open(stage.keys.own);
    await goTo(page, "/messages?direction=inbound");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    const beside = page.getByRole("complementary", { name: /^Message \d+/ });
    await beside.getByRole("heading", { name: "What happened" }).waitFor();
    await beside.getByRole("button", { name: /^Copy/ }).first().waitFor();
    await page.waitForURL(/messages\/\d+$/);
    const first = page.url();
    await page.evaluate(axeScript);
    expect(await violationsOf(page)).toEqual([]);
    await takePicture(page, "light-beside");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => /messages\/\d+$/.test(url.href) && url.href !== first);
    await beside.getByRole("link", { name: "JSON", exact: true }).click();
    await beside.locator(".tabs [aria-current]", { hasText: "JSON" }).waitFor();
    await page.keyboard.press("Escape");
    await page.waitForURL("**/messages?direction=inbound");
    expect(await beside.count()).toBe(0);
    expect(await page.evaluate("document.activeElement.closest('tr').rowIndex")).toBe(2);
    await page.setViewportSize({ width: 700, height: 740 });
    await page.getByRole("row").nth(1).getByRole("link").click();
    await page.getByRole("heading", { name: "What happened" }).waitFor();
    expect(await beside.count()).toBe(0);
  });

  test("what people wrote does no harm, and calls nobody", async () => {
    const page = await open(stage.keys.reading);
    const { body } = await stage.bridge.admin("GET", "/messages");
    for (const { id } of body.items) {
      await goTo(page, `/messages/${id}`);
      const tabs = await page.getByLabel("More of it").getByRole("link").allInnerTexts();
      expect(tabs).toEqual(expect.arrayContaining(["Webhook", "Posted", "JSON"]));
      for (const tab of tabs) {
        await page.getByRole("link", { name: tab, exact: true }).click();
        await page.locator(".tabs [aria-current]", { hasText: tab }).waitFor();
        for (const summary of await page.locator("summary").all()) await summary.click();
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(1280);
        if (tab === "HTML") await page.frameLocator("iframe").getByText("The letter").waitFor();
        expect(await page.evaluate("'broken' in window")).toBe(false);
      }
    }
  });
});
