import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startBrowser } from "../test/support/browser.ts";
import { play, print } from "./play.ts";
import { type Scene, scenes } from "./scenes.ts";
import { setStage } from "./stage.ts";

/**
 * Takes the README's pictures again: plays a text and an email of the demo with their answers, and shoots the sandbox's
 * inbox as it is then, and a message in the console. It takes a Chromium that is on this machine, and fails without one: `npx tsx demo/picture.ts`
 */
const maxBytes = 150_000;

const isShown = (scene: Scene): boolean => {
  if (scene.provider !== "twilio" && scene.provider !== "postmark") return false;
  return scene.kind === "in" ? scene.arrives > 0 : scene.becomes === "delivered";
};

const browser = await startBrowser();
if (!browser) process.exit(1);
const stage = await setStage({ waitMs: () => 50, notice: () => undefined });
for (const scene of scenes.filter(isShown)) await play(stage, scene);
const page = await browser.newPage({
  viewport: { width: 760, height: 400 },
  deviceScaleFactor: 1.6,
  colorScheme: "light",
});
await page.goto(stage.sandboxUrl);
const inbox = await page.screenshot({ fullPage: true });
await page.setViewportSize({ width: 860, height: 560 });
await page.goto(`${stage.bridgeUrl}/console/messages?state=delivered`);
await page.getByLabel("Key").fill(stage.adminApiKey);
await page.getByRole("button", { name: "Sign in" }).click();
await page.locator("tbody a").first().click();
await page.getByText("What happened").waitFor();
const story = await page.screenshot();
await browser.close();
await stage.stop();
for (const [name, picture] of Object.entries({ inbox, console: story })) {
  if (picture.length > maxBytes) throw new Error(`${name} has ${picture.length} bytes; ${maxBytes} are the most`);
  writeFileSync(join(import.meta.dirname, `../docs/pictures/${name}.png`), picture);
  print(`docs/pictures/${name}.png: ${picture.length} bytes`);
}
process.exit(0);
