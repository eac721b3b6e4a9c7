import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, chromium } from "playwright-core";

const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

const require = createRequire(import.meta.url);

/** The rules of axe as a script; `axe.source` is three times as long, and read anew by each page. */
export const axeScript = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** The browser that is on this machine; undefined, with a line that says so, where there is none that starts. */
export async function startBrowser(): Promise<Browser | undefined> {
  let why = "there is no Chromium on this machine";
  for (const executablePath of places.filter((place) => existsSync(place))) {
    try {
      // Chromium's own sandbox does not work as root.
      return await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
    } catch (error) {
      why = `${executablePath} does not start: ${error instanceof Error ? error.message.split("\n")[0] : "unknown"}`;
    }
  }
  process.stdout.write(`The tests in a browser are skipped: ${why}\n`);
  return undefined;
}
