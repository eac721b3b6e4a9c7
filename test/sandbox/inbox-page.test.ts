import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Contact, StoredMessage } from "../../src/sandbox/state.ts";
import { startBrowser } from "../support/browser.ts";
import { locationId } from "../support/location.ts";
import type { StandInMessage } from "../support/stand-ins/stand-in.ts";
import { startTwoWay, type TwoWay, type Way } from "../support/two-way.ts";
import { until } from "../support/until.ts";

const browser = await startBrowser();

describe.skipIf(!browser)("the inbox page in a browser", () => {
  let twoWay: TwoWay;
  let context: BrowserContext;
  let page: Page;
  /** Whatever a page must not do. */
  let alarms: string[];

  beforeAll(async () => {
    twoWay = await startTwoWay();
  });
  afterAll(async () => {
    await browser?.close();
    await twoWay.stop();
  });
  beforeEach(async () => {
    if (!browser) throw new Error("there is no browser");
    context = await browser.newContext();
    page = await context.newPage();
    alarms = [];
    page.on("dialog", (dialog) => {
      alarms.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      const { origin, pathname } = new URL(request.url());
      const own = ["/", "/inbox.css", "/inbox.js", "/answer"];
      if (origin !== twoWay.bridge.sandboxUrl || !own.includes(pathname)) alarms.push(`request ${request.url()}`);
    });
    page.on("pageerror", (error) => alarms.push(`error ${error.message}`));
    page.on("console", (line) => void alarms.push(`${line.type()} ${line.text()}`));
    await page.addInitScript({
      content: `addEventListener("securitypolicyviolation", (violation) => console.error("CSP", violation.blockedURI));`,
    });
  });
  afterEach(() => context.close());

  const way = (provider: string): Way => {
    const found = twoWay.ways[provider];
    if (!found) throw new Error(`there is no way ${provider}`);
    return found;
  };
  let counter = 0;
  const newContact = (name?: string): Contact =>
    twoWay.bridge.sandbox.addContact({
      locationId,
      phone: `+1500555${String(4000 + ++counter)}`,
      email: `browser${counter}@example.org`,
      ...(name === undefined ? {} : { name }),
    });
  const write = (by: Way, contact: Contact, text: string): StoredMessage => {
    const body = by.channel === "sms" ? { message: text } : { html: `<p>${text}</p>`, subject: "Your question" };
    return twoWay.bridge.sandbox.sendAsAgent(contact.id, { providerId: by.providerId, ...body });
  };
  const untilSent = async (by: Way, to: string | undefined, count = 1): Promise<StandInMessage> => {
    const sent = await until(
      () => by.standIn.sent.filter((message) => message.to.includes(to ?? "")),
      (found) => found.length >= count,
    );
    return sent[count - 1] as StandInMessage;
  };
  /** A conversation as it is on the page. */
  const conversationWith = ({ phone = "" }: Contact): Locator =>
    page.locator("details").filter({ has: page.locator("summary", { hasText: phone }) });
  const fieldIn = (conversation: Locator, label: string) => conversation.getByLabel(label);

  test("an answer goes out by the provider, and its status ticks without a reload", async () => {
    const by = way("twilio");
    const contact = newContact("Ann");
    write(by, contact, "Hello, this is the shop");
    const conversation = conversationWith(contact);
    await page.goto(twoWay.bridge.sandboxUrl);
    await fieldIn(conversation, `Text to ${contact.phone}`).fill("It's on its way & arrives <soon>");
    await conversation.getByRole("button", { name: "Send" }).click();
    const sent = await untilSent(by, contact.phone, 2);
    expect(sent).toMatchObject({ from: by.address, text: "It's on its way & arrives <soon>" });
    const bubble = conversation.locator(".bubble", { hasText: "on its way" });
    expect(await bubble.locator(".status").innerText()).toBe("pending");
    await bubble.evaluate((element) => Object.assign(element, { isThatOfBefore: true }));
    await twoWay.tell(by, sent, "delivered");
    await bubble.locator(".status", { hasText: "delivered" }).waitFor();
    expect(await bubble.evaluate((element) => "isThatOfBefore" in element)).toBe(true);
    expect(alarms).toEqual([]);
  });

  test("what the provider refuses stands there as failed, in its words", async () => {
    const contact = newContact();
    write(way("twilio"), contact, "Hello");
    await page.goto(twoWay.bridge.sandboxUrl);
    const conversation = conversationWith(contact);
    await fieldIn(conversation, `Text to ${contact.phone}`).fill("too long ".repeat(200));
    await conversation.getByRole("button", { name: "Send" }).click();
    const failed = conversation.locator(".failed");
    await failed.waitFor();
    expect(await failed.innerText()).toContain("exceeds the 1600 character limit");
  });

  test("an email's answer stays in its thread, and the person's answer to it too", async () => {
    const by = way("postmark");
    const contact = newContact();
    write(by, contact, "Here is your quote");
    const first = await untilSent(by, contact.email);
    await page.goto(twoWay.bridge.sandboxUrl);
    const conversation = conversationWith(contact);
    await fieldIn(conversation, "Answer to this email").fill("It's cheaper by the dozen\nAnn");
    await conversation.locator(".thread").getByRole("button", { name: "Send" }).click();
    const second = await untilSent(by, contact.email, 2);
    expect(second.subject).toBe("Re: Your question");
    expect(second.headers["in-reply-to"]).toBe(first.headers["message-id"]);
    await twoWay.answer(by, second, `browser-${contact.id}`, "A dozen then");
    await conversation.locator(".thread .inbound", { hasText: "A dozen then" }).waitFor();
    expect(await conversation.locator(".thread").count()).toBe(1);
    expect(await conversation.locator(".thread .outbound p").last().innerText()).toBe("It's cheaper by the dozen\nAnn");
    expect(alarms).toEqual([]);
  });

  test("new messages leave alone what is half typed, the caret, and what is folded", async () => {
    const [ann, bob] = [newContact("Ann"), newContact("Bob")];
    for (const contact of [ann, bob]) write(way("twilio"), contact, "Hello");
    const sent = await untilSent(way("twilio"), ann.phone);
    await page.goto(twoWay.bridge.sandboxUrl);
    await conversationWith(bob).locator("summary").click();
    const field = fieldIn(conversationWith(ann), `Text to ${ann.phone}`);
    await field.fill("half an ans");
    await field.press("ArrowLeft");
    await twoWay.answer(way("twilio"), sent, `half-${ann.id}`, "Are you there?");
    write(way("twilio"), newContact("Eve"), "A new conversation, above the others");
    await page.locator(".bubble", { hasText: "Are you there?" }).waitFor();
    await page.locator(".bubble", { hasText: "A new conversation" }).waitFor();
    await page.keyboard.type("WER");
    expect(await field.inputValue()).toBe("half an anWERs");
    expect(await conversationWith(bob).getAttribute("open")).toBeNull();

    await fieldIn(conversationWith(ann), `Text to ${ann.phone}`).fill("to be kept");
    await conversationWith(bob).locator("summary").click();
    await fieldIn(conversationWith(bob), `Text to ${bob.phone}`).fill("sent meanwhile");
    await page.keyboard.press("Enter");
    await untilSent(way("twilio"), bob.phone, 2);
    await page.locator(".bubble", { hasText: "sent meanwhile" }).waitFor();
    expect(await field.inputValue()).toBe("to be kept");
  });

  test("an answer that is not taken stays in its field, and says why", async () => {
    const contact = newContact();
    write(way("twilio"), contact, "Hello");
    await page.goto(twoWay.bridge.sandboxUrl);
    const field = fieldIn(conversationWith(contact), `Text to ${contact.phone}`);
    const before = twoWay.bridge.sandbox.messages().length;
    await field.fill("   ");
    await field.press("Enter");
    const message = () => field.evaluate((element) => (element as HTMLInputElement).validationMessage);
    await until(message, (text) => text.includes("must not be empty"));
    await page.route("**/answer", (route) => route.abort());
    await field.fill("not lost");
    await field.press("Enter");
    await until(message, (text) => text.startsWith("This was not sent"));
    expect(await field.inputValue()).toBe("not lost");
    expect(twoWay.bridge.sandbox.messages()).toHaveLength(before);
    await page.unroute("**/answer");
    await field.press("End");
    await page.keyboard.type("!");
    await field.press("Enter");
    expect(await untilSent(way("twilio"), contact.phone, 2)).toMatchObject({ text: "not lost!" });
  });

  test("all of it works by keyboard", async () => {
    const contact = newContact("Kay");
    write(way("telnyx"), contact, "Hello");
    await page.goto(twoWay.bridge.sandboxUrl);
    const focused = () => page.evaluate("document.activeElement.tagName");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("SUMMARY");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("TEXTAREA");
    await page.keyboard.type("one line");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("another");
    await page.keyboard.press("Enter");
    expect(await untilSent(way("telnyx"), contact.phone, 2)).toMatchObject({ text: "one line\nanother" });
    expect(await focused()).toBe("TEXTAREA");
    await page.keyboard.type("by the button");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("BUTTON");
    await page.keyboard.press("Space");
    expect(await untilSent(way("telnyx"), contact.phone, 3)).toMatchObject({ text: "by the button" });
  });

  test("works without scripts too", async () => {
    const contact = newContact();
    write(way("twilio"), contact, "Hello");
    const plain = await browser?.newContext({ javaScriptEnabled: false });
    page = (await plain?.newPage()) as Page;
    await page.goto(twoWay.bridge.sandboxUrl);
    await fieldIn(conversationWith(contact), `Text to ${contact.phone}`).fill("plain");
    await conversationWith(contact).getByRole("button", { name: "Send" }).click();
    expect(await untilSent(way("twilio"), contact.phone, 2)).toMatchObject({ text: "plain" });
    expect(page.url()).toBe(`${twoWay.bridge.sandboxUrl}/`);
    await plain?.close();
  });

  const turned = "\u202E";
  const hostile = [
    `<script>alert("script")</script>`,
    `<img src="/stolen" onerror="alert('img')">`,
    `"><svg onload=alert(1)>`,
    `' autofocus onfocus='alert(2)`,
    `</textarea></title><iframe srcdoc="<script>parent.alert(3)</script>"></iframe>`,
    `javascript:alert(4)`,
    `&lt;img src=/stolen onerror=alert(5)&gt;`,
    `${turned}gpj.exe`,
  ];

  test("nothing hostile does anything as a name, a body, a subject, an address or a file", async () => {
    const { sandbox } = twoWay.bridge;
    const contacts = hostile.map(newContact);
    for (const [index, words] of hostile.entries()) {
      const contact = contacts[index] as Contact;
      const typed = { html: `<p>${words}</p>`, subject: words, attachments: [words] };
      sandbox.sendAsAgent(contact.id, { providerId: way("postmark").providerId, ...typed });
      const text = write(way("twilio"), contact, words);
      Object.assign(text, { status: "failed", error: { code: words, type: words, message: words }, altId: words });
    }
    await page.goto(twoWay.bridge.sandboxUrl);
    // What comes later comes another way: by the script.
    for (const [index, words] of hostile.entries()) write(way("twilio"), contacts[index] as Contact, `later ${words}`);
    for (const [index, words] of hostile.entries()) {
      const conversation = conversationWith(contacts[index] as Contact);
      const last = conversation.locator(".bubble", { hasText: "later" });
      await last.waitFor();
      expect(await last.locator("p").innerText()).toBe(`later ${words}`);
      const title = await conversation.locator("summary strong").innerText();
      expect(title).toBe(`${words} · ${contacts[index]?.phone}`);
    }
    expect(await page.locator("main :is(script, img, svg, iframe, a, [autofocus], [onfocus])").count()).toBe(0);
    expect(alarms).toEqual([]);
  });

  test("a name that turns its direction does not turn the number beside it", async () => {
    const contact = newContact(`${turned}Ann`);
    write(way("twilio"), contact, "Hello");
    await page.goto(twoWay.bridge.sandboxUrl);
    const number = conversationWith(contact).locator("summary bdi", { hasText: contact.phone ?? "" });
    const [first, last] = await number.evaluate((element): [number, number] => {
      const text = element.firstChild as Text;
      const leftOf = (index: number): number => {
        const range = element.ownerDocument.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + 1);
        return range.getBoundingClientRect().x;
      };
      return [leftOf(1), leftOf(text.length - 1)];
    });
    expect(first).toBeLessThan(last);
  });

  test("a form on another site cannot write here", async () => {
    const contact = newContact();
    write(way("twilio"), contact, "Hello");
    const form = `<form method="post" action="${twoWay.bridge.sandboxUrl}/answer"><input name="contactId" value="${contact.id}"><input name="text" value="forged"><button>Win</button></form>`;
    const elsewhere = createServer((_req, res) => void res.setHeader("Content-Type", "text/html").end(form));
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    const before = twoWay.bridge.sandbox.messages().length;
    await page.goto(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`);
    const answered = page.waitForResponse(/\/answer$/);
    await page.getByRole("button", { name: "Win" }).click();
    expect((await answered).status()).toBe(403);
    expect(twoWay.bridge.sandbox.messages()).toHaveLength(before);
    elsewhere.close();
    elsewhere.closeAllConnections();
  });

  test.each([375, 1280])("nothing is wider than a window of %i pixels", async (width) => {
    const contact = newContact(`A very${"long".repeat(30)}name`);
    write(way("twilio"), contact, `https://example.com/${"path".repeat(60)}`);
    const typed = { html: `<p>${"w".repeat(300)}</p>`, subject: "s".repeat(200), attachments: ["a".repeat(200)] };
    twoWay.bridge.sandbox.sendAsAgent(contact.id, { providerId: way("mailgun").providerId, ...typed });
    await page.setViewportSize({ width, height: 800 });
    await page.goto(twoWay.bridge.sandboxUrl);
    const field = fieldIn(conversationWith(contact), `Text to ${contact.phone}`);
    await field.fill("typed ".repeat(200));
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    expect((await field.boundingBox())?.height).toBeLessThan(400);
  });
});
