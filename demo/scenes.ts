import type { WebhookRequest } from "../src/model.ts";
import type { StoredMessage } from "../src/sandbox/state.ts";
import { signer as mailgun } from "../test/fixtures/mailgun/sign.ts";
import { signer as postmark } from "../test/fixtures/postmark/sign.ts";
import { signer as telnyx } from "../test/fixtures/telnyx/sign.ts";
import { signer as twilio } from "../test/fixtures/twilio/sign.ts";
import type { Signer } from "../test/support/fixtures.ts";

/** What the demo shows: each scene is one webhook, signed as its provider signs. */
export interface Scene {
  about: string;
  provider: string;
  id: string;
  sign(options: { url: string; at: Date }): WebhookRequest;
  /** What the bridge must answer, and how many messages must reach HighLevel. */
  status: number;
  arrives: number;
  check?(arrived: StoredMessage[], all: StoredMessage[]): boolean;
}

const phone = "+15005550009";
const mailboxes = { postmark: "support@example.com", mailgun: "sales@example.com" };
const signers: Record<string, Signer> = { twilio, telnyx, postmark, mailgun };

export const mappings = Object.entries(signers).map(([provider, signer]) => {
  const mailbox = mailboxes[provider as keyof typeof mailboxes];
  return {
    provider,
    address: mailbox ?? phone,
    conversationProviderId: mailbox ? "email-provider" : "sms-provider",
    credentials: signer.credentials,
  };
});

function scene(
  provider: string,
  given: Pick<Scene, "about" | "id"> & { body: Record<string, unknown> } & Partial<Scene>,
): Scene {
  const { body, ...rest } = given;
  const isForm = provider === "twilio" || provider === "mailgun";
  const contentType = isForm ? "application/x-www-form-urlencoded" : "application/json";
  const sign: Scene["sign"] = (options) => {
    const signer = signers[provider];
    if (!signer) throw new Error(`there is no signer for ${provider}`);
    return signer.sign({ contentType, body }, options);
  };
  return { provider, sign, status: 200, arrives: 1, ...rest };
}

const twilioText = { From: "+15005550006", To: phone, NumMedia: "0", SmsStatus: "received" };
const hello = scene("twilio", {
  about: "a text",
  id: "SM-demo-1",
  body: { ...twilioText, MessageSid: "SM-demo-1", Body: "Hi! Is the blue one still available?" },
});
/** For whoever looks around: a message that has not been sent yet. */
export const textToTry = scene("twilio", {
  about: "a text to try",
  id: "SM-demo-2",
  body: { ...twilioText, MessageSid: "SM-demo-2", Body: "Hello from curl" },
});
const mail = {
  FromFull: { Email: "ann@example.org", Name: "Ann Example" },
  ToFull: [{ Email: mailboxes.postmark }],
};
const inThread = (arrived: StoredMessage[], all: StoredMessage[]) =>
  arrived[0]?.threadId !== undefined &&
  arrived[0].threadId === all.find((message) => message.altId === "pm-demo-1")?.threadId;

export const scenes: Scene[] = [
  hello,
  scene("telnyx", {
    about: "a text",
    id: "tx-demo-1",
    body: {
      data: {
        event_type: "message.received",
        payload: {
          id: "tx-demo-1",
          from: { phone_number: "+15005550007" },
          to: [{ phone_number: phone }],
          text: "Can we move it to Friday?",
          received_at: new Date().toISOString(),
        },
      },
    },
  }),
  scene("postmark", {
    about: "an email",
    id: "pm-demo-1",
    body: {
      ...mail,
      MessageID: "pm-demo-1",
      Subject: "Quote for 20 chairs",
      TextBody: "Could you send us a quote?",
      HtmlBody: "<p>Could you send us a quote?</p>",
      Headers: [{ Name: "Message-ID", Value: "<quote-1@mail.example.org>" }],
    },
  }),
  scene("mailgun", {
    about: "an email",
    id: "mg-demo-1",
    body: {
      from: "Bob <bob@example.org>",
      recipient: mailboxes.mailgun,
      subject: "Broken link on your site",
      "body-plain": "The pricing page is gone.",
      "Message-Id": "<mg-demo-1@mail.example.org>",
    },
  }),
  scene("postmark", {
    about: "a reply to the email above: it lands in the same thread",
    id: "pm-demo-2",
    body: {
      ...mail,
      MessageID: "pm-demo-2",
      Subject: "Re: Quote for 20 chairs",
      TextBody: "Make that 25, please.",
      Headers: [
        { Name: "Message-ID", Value: "<quote-2@mail.example.org>" },
        { Name: "In-Reply-To", Value: "<quote-1@mail.example.org>" },
      ],
    },
    check: inThread,
  }),
  { ...hello, about: "the same text again, as providers do: a duplicate", arrives: 0 },
  {
    ...hello,
    about: "a forgery: a changed text under an old signature",
    sign: (options) => {
      const request = hello.sign(options);
      return { ...request, body: Buffer.from(request.body.toString().replace("blue", "free")) };
    },
    status: 401,
    arrives: 0,
  },
];
