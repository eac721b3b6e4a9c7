import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startBrowser } from "../test/support/browser.ts";
import { play, print } from "./play.ts";
import { type Scene, scenes } from "./scenes.ts";
import { setStage } from "./stage.ts";

/**
 * Takes the README's picture again: plays a text and an email of the demo with their answers, and shoots the sandbox's
 * inbox as it is then. It takes a Chromium that is on this machine, and fails without one: `npx tsx demo/picture.ts`
 */
const path = join(import.meta.dirname, "../docs/pictures/inbox.png");
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
const picture = await page.screenshot({ fullPage: true });
await browser.close();
await stage.stop();
if (picture.length > maxBytes) throw new Error(`the picture has ${picture.length} bytes; ${maxBytes} are the most`);
writeFileSync(path, picture);
print(`docs/pictures/inbox.png: ${picture.length} bytes`);
process.exit(0);
