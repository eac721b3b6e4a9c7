import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { axeScript, startBrowser } from "../support/browser.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { startTwoWay, type TwoWay } from "../support/two-way.ts";
import { until } from "../support/until.ts";

const browser = await startBrowser();

describe.skipIf(!browser)("the page behind List-Unsubscribe, in a browser", () => {
  let twoWay: TwoWay;
  beforeAll(async () => {
    twoWay = await startTwoWay();
  });
  afterAll(async () => {
    await browser?.close();
    await twoWay.stop();
  });

  /** As the person got it, at the address where the bridge listens here. */
  async function newUrl(email: string): Promise<string> {
    const { bridge, ways } = twoWay;
    const by = ways["postmark"];
    if (!by) throw new Error("there is no way postmark");
    await bridge.admin("PATCH", `/mappings/${by.mappingId}`, { listUnsubscribe: true });
    const { id } = bridge.sandbox.addContact({ locationId, email });
    bridge.sandbox.sendAsAgent(id, { providerId: by.providerId, html: "<p>News</p>", subject: "News" });
    const [sent] = await until(
      () => by.standIn.sent.filter(({ to }) => to.includes(email)),
      ({ length }) => length > 0,
    );
    return sent?.headers["list-unsubscribe"]?.slice(1, -1).replace(publicUrl, bridge.url) ?? "";
  }

  test("breaks no rule of axe, and unsubscribes by its button, with the keyboard alone and without scripts", async () => {
    const email = "reader@example.org";
    const url = await newUrl(email);
    const page = await browser?.newPage();
    if (!page) throw new Error("there is no browser");
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.goto(url);
      await page.evaluate(axeScript);
      const { violations } = await page.evaluate<{ violations: { id: string }[] }>("axe.run()");
      expect(violations.map(({ id }) => id)).toEqual([]);
    }
    const plain = await browser?.newPage({ javaScriptEnabled: false });
    await plain?.goto(url);
    await plain?.keyboard.press("Tab");
    await plain?.keyboard.press("Enter");
    await plain?.getByRole("heading", { name: "You are unsubscribed" }).waitFor();
    const { body } = await twoWay.bridge.admin("GET", `/opt-outs?address=${email}`);
    expect(body.items).toMatchObject([{ cause: "unsubscribe" }]);
  });
});
