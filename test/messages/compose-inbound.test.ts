import { describe, expect, test } from "vitest";
import { composeInbound } from "../../src/messages/compose-inbound.ts";
import type { DmarcPolicy } from "../../src/model.ts";
import type { MessageContent } from "../../src/store/schema.ts";

const sms = {
  channel: "sms",
  type: "Custom",
  conversationProviderId: "provider-1",
  address: "+15005550009",
  stripQuoted: false,
} as const;
const email = {
  channel: "email",
  type: "Email",
  conversationProviderId: "provider-2",
  address: "support@example.com",
  stripQuoted: false,
} as const;
const known = { address: "+15005550006", highlevelContactId: "contact-1", highlevelConversationId: "conversation-1" };
const person = { ...known, address: "ann@example.org" };
const receivedAt = new Date("2026-11-21T10:00:05.000Z");
const empty: MessageContent = {
  fromName: undefined,
  to: [],
  cc: [],
  bcc: [],
  subject: undefined,
  text: undefined,
  html: undefined,
  attachments: [],
  inReplyTo: [],
  references: [],
};
const message = (content: Partial<MessageContent>, sentAt: Date | null = null) => ({
  direction: "inbound" as const,
  providerMessageId: "provider-message-1",
  sentAt,
  receivedAt,
  content: { ...empty, ...content },
});

describe("a text", () => {
  test("is posted as inbound with the provider's id as altId and both ids that we know", () => {
    expect(composeInbound(sms, known, message({ text: "hello" }), undefined)).toEqual({
      type: "Custom",
      conversationProviderId: "provider-1",
      conversationId: "conversation-1",
      contactId: "contact-1",
      altId: "provider-message-1",
      direction: "inbound",
      date: "2026-11-21T10:00:05.000Z",
      message: "hello",
    });
  });

  test("carries the provider's time where there is one", () => {
    const sentAt = new Date("2026-11-21T09:59:00.000Z");
    expect(composeInbound(sms, known, message({ text: "hello" }, sentAt), undefined).date).toBe(
      "2026-11-21T09:59:00.000Z",
    );
  });

  test("hands media on as URLs, and leaves attachments out when there are none", () => {
    const url = "https://media.example.com/cat.jpg";
    const withMedia = composeInbound(sms, known, message({ attachments: [{ url }] }), undefined);
    expect(withMedia).toMatchObject({ attachments: [url], message: "" });
    expect(composeInbound(sms, known, message({ text: "hello" }), undefined)).not.toHaveProperty("attachments");
  });

  test("arrives also when it is empty, which HighLevel would refuse", () => {
    expect(composeInbound(sms, known, message({}), undefined).message).toBe("(no text)");
  });
});

describe("an email", () => {
  test("carries html, text, subject and addresses, and what it answers", () => {
    const content = {
      subject: "Re: Offer",
      text: "Yes",
      html: "<p>Yes</p>",
      to: ["sales@example.com", "support@example.com"],
      cc: ["support@example.com", "boss@example.org"],
      bcc: ["archive@example.org"],
    };
    expect(composeInbound(email, person, message(content), "email-7")).toMatchObject({
      type: "Email",
      html: "<p>Yes</p>",
      message: "Yes",
      subject: "Re: Offer",
      emailFrom: "ann@example.org",
      emailTo: "support@example.com",
      emailCc: ["boss@example.org"],
      emailBcc: ["archive@example.org"],
      emailMessageId: "email-7",
    });
  });

  test("that has only a text gets an html body, in which nothing of it is markup", () => {
    const { html } = composeInbound(email, person, message({ text: '<script>alert("1")</script> & co' }), undefined);
    expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; co");
  });

  test("names the files that it could not hand on", () => {
    const attachments = [{ name: "offer.pdf", contentType: "application/pdf", sizeBytes: 48_100 }];
    const post = composeInbound(email, person, message({ text: "See attached", attachments }), undefined);
    expect(post.message).toBe("See attached\n\n[Attachment: offer.pdf, application/pdf, 49 kB]");
    expect(post.html).toContain("[Attachment: offer.pdf, application/pdf, 49 kB]");
  });

  test("leaves out empty lists, which HighLevel refuses", () => {
    const post = composeInbound(email, person, message({ html: "<p>Hi</p>" }), undefined);
    for (const field of ["emailCc", "emailBcc", "attachments", "emailMessageId", "message"]) {
      expect(post).not.toHaveProperty(field);
    }
  });
});

test("a mapping may want only what is new in a reply as its text; the whole stays in the HTML", () => {
  const reply = message({
    text: "Yes, please.\n\nOn Mon, Nov 16, 2026 at 9:00 AM Ann <ann@example.com> wrote:\n> Shall we?\n",
  });
  const posted = composeInbound({ ...email, stripQuoted: true }, person, reply, undefined);
  expect(posted.message).toBe("Yes, please.");
  expect(posted.html).toContain("Shall we?");
  expect(composeInbound(email, person, reply, undefined).message).toContain("Shall we?");
});

describe("an email that fails DMARC", () => {
  const content = {
    text: "pay here",
    html: "<style>p{display:none}</style><p>pay here</p>",
    verdicts: { dmarc: "fail" },
  };
  const compose = (dmarcFailures: DmarcPolicy, more: object = {}) =>
    composeInbound({ ...email, dmarcFailures }, person, { ...message(content), ...more }, undefined);

  test.each(["mark", "hold"] as const)("says so above its words where the mapping says %s", (policy) => {
    const { message: text, html } = compose(policy);
    expect(text).toBe("[Not verified: this email fails DMARC. It may be from somebody else.]\n\npay here");
    expect(html).toMatch(/^<p style="[^"]*display:block!important"[^>]*>\[Not verified: [^<]*<\/p><style>/);
  });

  test("is posted as it is elsewhere", () => {
    expect(compose("post").message).toBe("pay here");
    expect(compose("mark", { direction: "outbound" }).message, "what the business sent").toBe("pay here");
    expect(compose("mark", message({ ...content, verdicts: { dmarc: "none", spf: "fail" } })).message).toBe("pay here");
  });
});

describe("an email of a mapping for a whole domain", () => {
  const domain = { ...email, address: "*@example.com" };
  const out = { ...message({ to: ["ann@example.org"], from: "sales@example.com" }), direction: "outbound" as const };
  test.each([
    [
      "names the domain's mailbox among others",
      message({ to: ["x@other.org", "sales@example.com"] }),
      "sales@example.com",
    ],
    ["names whom it names, of another domain", message({ to: ["x@other.org"] }), "x@other.org"],
    ["names nobody where it names nobody", message({}), undefined],
  ])("%s", (_name, given, emailTo) => {
    expect(composeInbound(domain, person, given, undefined).emailTo).toBe(emailTo);
  });

  test("that the business sent names the mailbox that sent it", () => {
    expect(composeInbound(domain, person, out, undefined)).toMatchObject({
      emailFrom: "sales@example.com",
      emailTo: "ann@example.org",
    });
  });
});

test("an email's text of millions of characters is cut, and says so, in its HTML as well", () => {
  const text = `${"> ".repeat(10_000_000)}the end`;
  const { html = "", message: shown = "" } = composeInbound(
    { ...email, stripQuoted: true },
    person,
    message({ text }),
    undefined,
  );
  for (const words of [html, shown]) {
    expect(words).toMatch(/\[19000007 more characters are left out here\]/);
    expect(words).not.toContain("the end");
  }
  expect(shown.slice(0, 1_000_000)).toBe(text.slice(0, 1_000_000));
});
