import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { type Bridge, startBridge } from "../../src/start-bridge.ts";
import { createTrials, type Trials } from "../../src/start-trial.ts";
import { startBrowser } from "../support/browser.ts";
import { copyEmbedded } from "../support/database.ts";

const browser = await startBrowser();
/** Where pictures of the way go, to be looked at. */
// biome-ignore lint/style/noProcessEnv: it is asked for by hand.
const { CONSOLE_PICTURES: pictures, README_PICTURES: readme } = process.env;
const maxBytes = 150_000;

/** However busy the machine is. */
const patientMs = 300_000;
const wide = { width: 1280, height: 900 };

describe
  .skipIf(!browser)
  .sequential("from an empty installation to an answer that arrived, by clicks alone", { timeout: patientMs }, () => {
    const dataDir = mkdtempSync(join(tmpdir(), "story-"));
    const log = createLog("silent");
    let bridge: Bridge;
    let trials: Trials;
    let page: Page;
    /** The sandbox's phone and inbox, each in a tab of its own. */
    let phone: Page;
    let inbox: Page;

    beforeAll(async () => {
      copyEmbedded(inject, dataDir);
      const config = { ...readConfig({ DATA_DIR: dataDir }), port: 0 };
      trials = createTrials(config, log);
      bridge = await startBridge(config, log, {}, { startTrial: trials.start });
      const context = await browser?.newContext({ viewport: wide, deviceScaleFactor: readme ? 1.3 : 1 });
      if (!context) throw new Error("there is no browser");
      [page, phone, inbox] = [await context.newPage(), await context.newPage(), await context.newPage()];
      context.setDefaultTimeout(patientMs);
      if (pictures) mkdirSync(pictures, { recursive: true });
    });
    afterAll(async () => {
      await browser?.close();
      await trials?.stop();
      await bridge?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });

    const press = (name: string | RegExp) => page.getByRole("button", { name }).first().click();
    const follow = (name: string | RegExp) => page.getByRole("link", { name }).first().click();
    const go = (name: string) => page.getByLabel("Console", { exact: true }).getByRole("link", { name }).click();
    const step = (title: string, word: string) =>
      page
        .getByRole("listitem")
        .filter({ has: page.getByText(title, { exact: true }) })
        .getByText(word, { exact: true })
        .waitFor();
    async function say(tab: Page, label: RegExp, text: string, button: string) {
      await tab.getByLabel(label).first().fill(text);
      await tab.getByRole("button", { name: button }).last().click();
    }
    let shots = 0;
    async function look(name: string) {
      if (!pictures) return;
      const file = `${pictures}/story-${String(++shots).padStart(2, "0")}-${name}`;
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: `${file}-${colorScheme}.png`, fullPage: true });
      }
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize({ width: 360, height: 740 });
      await page.screenshot({ path: `${file}-narrow.png`, fullPage: true });
      await page.setViewportSize(wide);
    }
    /** For the README. */
    async function show(tab: Page, name: string, size: typeof wide) {
      if (!readme) return;
      const path = `${readme}/${name}.png`;
      await tab.setViewportSize(size);
      await tab.screenshot({ path });
      await tab.setViewportSize(wide);
      expect(statSync(path).size).toBeLessThan(maxBytes);
    }

    test("the first steps of an empty installation lead into the sandbox", async () => {
      const { port } = new URL(bridge.url);
      const link = new URL(await bridge.signInLink());
      await page.goto(`http://127.0.0.1:${port}${link.pathname}${link.search}`);
      await press("Sign in");
      await look("overview");
      await follow("First steps");
      await step("A location", "later");
      await look("first-steps");
      await press("Play it through in the sandbox");
      await look("trial");
      await phone.goto((await page.getByRole("link", { name: "The phone" }).getAttribute("href")) ?? "");
      await inbox.goto((await page.getByRole("link", { name: "The inbox" }).getAttribute("href")) ?? "");
      await follow("Open the trial's console");
      await press("Sign in");
      await follow("First steps");
      await look("first-steps-of-the-trial");
    });

    test("a location and a number are connected", async () => {
      await follow("Connect by the app");
      await page.getByText("Location sandbox-location is connected.").waitFor();
      await follow("On to the console");
      await step("A location", "done");
      await page.getByText("Open the phone, and press Add it to the bridge there").waitFor();
      const token = (await phone.locator("code").nth(2).textContent()) ?? "";
      await page.goto((await phone.getByRole("link", { name: "Add it to the bridge" }).getAttribute("href")) ?? "");
      await page.getByLabel("Auth Token").fill(token);
      await look("add-a-number");
      await press("Add a number or mailbox");
      await page.getByText("done").first().waitFor();
      await look("number-added");
      const webhookUrl = (await page.locator("code.id", { hasText: "/webhooks/" }).first().textContent()) ?? "";
      await say(phone, /webhook URL/, webhookUrl, "Save");
      await phone.getByText(`Twilio posts to ${webhookUrl}`).waitFor();
    });

    test("a text arrives in HighLevel, and shows on the live page as it comes", async () => {
      await go("Live");
      await page.getByText("Live.", { exact: true }).waitFor();
      await say(phone, /^A text to/, "Hi! Is the blue one still available?", "Send");
      await page
        .getByRole("row", { name: /delivered/ })
        .first()
        .waitFor();
      await look("live");
      await inbox.reload();
      await inbox.getByText("Is the blue one still available?").waitFor();
    });

    test("with a wrong token the answer is given up, and the problem is named", async () => {
      await changeToken("a-token-that-was-mistyped-somewhere");
      await go("Live");
      await page.getByText("Live.", { exact: true }).waitFor();
      await say(inbox, /^Text to/, "Yes, it is. Shall we keep it for you?", "Send");
      await page.getByRole("row", { name: /dead/ }).first().waitFor();
      await go("Problems");
      await page.getByText("misconfigured").first().waitFor();
      await look("problem");
    });

    test("with the right one again it is replayed, and arrives", async () => {
      const token = (await phone.locator("code").nth(2).textContent()) ?? "";
      await changeToken(token);
      await go("Problems");
      await follow(/^Replay \d+…/);
      await look("replay");
      await press(/^Replay \d/);
      await look("replayed");
      await phone.getByText("Shall we keep it for you?").waitFor();
      await inbox.getByText("delivered", { exact: true }).first().waitFor();
      await go("Messages");
      await page
        .getByRole("row", { name: /Shall we keep it/ })
        .getByRole("link")
        .first()
        .click();
      await page.waitForURL(/messages\/\d+$/);
      await look("beside-the-list");
      await page.reload();
      expect(await page.getByRole("link", { name: "Open in HighLevel" }).count()).toBe(1);
      await look("story");
      await show(page, "console", { width: 860, height: 730 });
      await show(inbox, "inbox", { width: 760, height: 365 });
      await go("Overview");
      await page.getByText("All is delivered").waitFor();
      await look("overview-after");
      expect(await page.getByRole("link", { name: "First steps" }).count()).toBe(0);
      await go("Settings");
      await follow("First steps");
      await page.getByText("All is connected, and messages go both ways.").waitFor();
      await look("first-steps-done");
    });

    async function changeToken(token: string) {
      await go("Mappings");
      await page
        .getByRole("row", { name: /Twilio/ })
        .getByRole("link")
        .first()
        .click();
      await look("mapping");
      await follow("Change the account…");
      const sid = (await phone.locator("code").nth(1).textContent()) ?? "";
      await page.getByLabel(/^Account SID/).fill(sid);
      await page.getByLabel("Auth Token").fill(token);
      await look("change-the-account");
      await press("Change the account");
      await page.getByText("Change the account: done").waitFor();
      await look("account-changed");
    }
  });
