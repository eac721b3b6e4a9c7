import { generateKeyPairSync, sign } from "node:crypto";
import type { Channel, WebhookRequest } from "../src/model.ts";
import type { StoredMessage } from "../src/sandbox/state.ts";
import { signer as mailgun } from "../test/fixtures/mailgun/sign.ts";
import { signer as postmark } from "../test/fixtures/postmark/sign.ts";
import { signer as telnyx } from "../test/fixtures/telnyx/sign.ts";
import { signer as twilio } from "../test/fixtures/twilio/sign.ts";
import type { Signer } from "../test/support/fixtures.ts";
import type { StandInMessage } from "../test/support/stand-ins/stand-in.ts";
import type { Way } from "./way.ts";

/** What the demo shows: a webhook as its provider signs it, or what an agent types in HighLevel. */
export type Scene = ({ kind: "in" } & Webhook) | ({ kind: "out" } & Answer);

export interface Webhook {
  about: string;
  provider: string;
  sign(way: Way): WebhookRequest;
  /** What the bridge must answer, and how many messages must reach HighLevel. */
  status: number;
  arrives: number;
  check?(arrived: StoredMessage[], all: StoredMessage[]): boolean;
}

export interface Answer {
  about: string;
  provider: string;
  /** The provider's id of the message that the agent answers. */
  answers: string;
  text: string;
  /** What HighLevel must show in the end, and how it must go out. */
  becomes: "delivered" | "failed";
  check?(message: StoredMessage, sent: StandInMessage | undefined): boolean;
}

const phone = "+15005550009";
const mailboxes = { postmark: "support@example.com", mailgun: "sales@example.com" };
const signers: Record<string, Signer> = { twilio, telnyx, postmark, mailgun };

export const mappings = Object.entries(signers).map(([provider, signer]) => {
  const mailbox = mailboxes[provider as keyof typeof mailboxes];
  const channel: Channel = mailbox ? "email" : "sms";
  return {
    provider,
    channel,
    address: mailbox ?? phone,
    conversationProviderId: `demo-${provider}`,
    credentials: { ...(signer.credentials as object), ...(signer.sendCredentials as object) },
  };
});

function webhook(
  provider: string,
  given: { about: string; body: Record<string, unknown>; check?: Webhook["check"] },
): { kind: "in" } & Webhook {
  const { body, about, check } = given;
  const isForm = provider === "twilio" || provider === "mailgun";
  const contentType = isForm ? "application/x-www-form-urlencoded" : "application/json";
  const signIt: Webhook["sign"] = ({ webhookUrl: url }) => {
    const signer = signers[provider];
    if (!signer) throw new Error(`there is no signer for ${provider}`);
    return signer.sign({ contentType, body }, { url, at: new Date() });
  };
  return { kind: "in", provider, about, sign: signIt, status: 200, arrives: 1, ...(check ? { check } : {}) };
}

const twilioText = { From: "+15005550006", To: phone, NumMedia: "0", SmsStatus: "received" };
const hello = webhook("twilio", {
  about: "a text",
  body: { ...twilioText, MessageSid: "SM-demo-1", Body: "Hi! Is the blue one still available?" },
});
/** For whoever looks around: a message that has not been sent yet. */
export const textToTry = webhook("twilio", {
  about: "a text to try",
  body: { ...twilioText, MessageSid: "SM-demo-2", Body: "Hello from curl" },
});

const isInThread = (arrived: StoredMessage[], all: StoredMessage[]) =>
  arrived[0]?.threadId !== undefined &&
  arrived[0].threadId === all.find((message) => message.altId === "pm-demo-1")?.threadId;

/** What somebody would post to the delivery URL who has no key of HighLevel's. */
function forge({ deliveryUrl: url }: Way): WebhookRequest {
  const text = { type: "Custom", contactId: "contact", locationId: "demo-location", messageId: "forged" };
  const body = Buffer.from(JSON.stringify({ ...text, phone: "+15005550006", message: "You have won!" }));
  const signature = sign(null, body, generateKeyPairSync("ed25519").privateKey).toString("base64");
  const headers = { "content-type": "application/json", "x-ghl-signature": signature };
  return { url, headers, body, receivedAt: new Date() };
}

export const scenes: Scene[] = [
  hello,
  {
    kind: "out",
    provider: "twilio",
    about: "the agent answers in HighLevel",
    answers: "SM-demo-1",
    text: "It is. Shall I put it aside?",
    becomes: "delivered",
  },
  webhook("postmark", {
    about: "an email",
    body: {
      FromFull: { Email: "ann@example.org", Name: "Ann Example" },
      ToFull: [{ Email: mailboxes.postmark }],
      MessageID: "pm-demo-1",
      Subject: "Quote for 20 chairs",
      TextBody: "Could you send us a quote?",
      HtmlBody: "<p>Could you send us a quote?</p>",
      Headers: [{ Name: "Message-ID", Value: "<quote-1@mail.example.org>" }],
    },
  }),
  {
    kind: "out",
    provider: "postmark",
    about: "the agent answers in its thread",
    answers: "pm-demo-1",
    text: "With pleasure: 20 chairs are 1,900 euros.",
    becomes: "delivered",
    check: (message, sent) =>
      sent?.headers["in-reply-to"] === "<quote-1@mail.example.org>" && message.statuses?.at(-1) === "delivered",
  },
  {
    kind: "in",
    provider: "postmark",
    about: "the person answers that email: it lands in the same thread",
    sign: ({ standIn, webhookUrl: url }) => {
      const [email] = standIn.sent;
      if (!email) throw new Error("no email has been sent that could be answered");
      return standIn.answer(email, { url, at: new Date(), id: "pm-demo-2", text: "Make that 25, please." });
    },
    status: 200,
    arrives: 1,
    check: isInThread,
  },
  webhook("telnyx", {
    about: "a text",
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
  webhook("mailgun", {
    about: "an email",
    body: {
      from: "Bob <bob@example.org>",
      recipient: mailboxes.mailgun,
      subject: "Broken link on your site",
      "body-plain": "The pricing page is gone.",
      "Message-Id": "<mg-demo-1@mail.example.org>",
    },
  }),
  {
    kind: "out",
    provider: "twilio",
    about: "the agent writes more than Twilio takes",
    answers: "SM-demo-1",
    text: "These are our terms. ".repeat(100).trim(),
    becomes: "failed",
    check: ({ error }) => error?.code === "21617" && error.message.includes("exceeds the 1600 character limit"),
  },
  { ...hello, about: "the same text again, as providers do: a duplicate", arrives: 0 },
  {
    ...hello,
    about: "a forgery: a changed text under an old signature",
    sign: (way) => {
      const request = hello.sign(way);
      return { ...request, body: Buffer.from(request.body.toString().replace("blue", "free")) };
    },
    status: 401,
    arrives: 0,
  },
  {
    kind: "in",
    provider: "twilio",
    about: "a forgery at the delivery URL: signed, but not by HighLevel",
    sign: forge,
    status: 401,
    arrives: 0,
  },
];
