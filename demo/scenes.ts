import { generateKeyPairSync, sign } from "node:crypto";
import type { WebhookRequest } from "../src/model.ts";
import type { StoredMessage } from "../src/sandbox/state.ts";
import { allCredentials, mailProviders, type Provider, textProviders } from "../test/support/providers.ts";
import type { StandInMessage } from "../test/support/stand-ins/stand-in.ts";
import { type WrittenMessage, writeMessage } from "../test/support/write-webhooks.ts";
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

/** The first two providers of each channel play. */
const [texts, otherTexts] = firstTwo(textProviders);
const [mails, otherMails] = firstTwo(mailProviders);
/** One that takes no endless text. */
const terse = [texts, otherTexts].find(({ refusals }) => refusals.some(({ when }) => when)) ?? texts;

function firstTwo([first, second]: Provider[]): [Provider, Provider] {
  if (!first || !second) throw new Error("the demo needs two providers of texts and two of emails");
  return [first, second];
}

const addresses = new Map([
  [texts, "+15005550009"],
  [otherTexts, "+15005550009"],
  [mails, "support@example.com"],
  [otherMails, "sales@example.com"],
]);

export const mappings = [...addresses].map(([provider, address]) => ({
  ...{ provider: provider.name, channel: provider.channel, address },
  conversationProviderId: `demo-${provider.name}`,
  credentials: allCredentials(provider),
}));

/** What a person writes to a provider's mapping. Its first message has the id 1. */
function written(provider: Provider, number: number, about: string, message: Omit<WrittenMessage, "id" | "to">) {
  const to = addresses.get(provider) ?? "";
  const id = messageId(provider, number);
  const signIt: Webhook["sign"] = ({ webhookUrl: url }) =>
    writeMessage(provider, { id, rfcMessageId: id, to, ...message }, { url, at: new Date() });
  return { kind: "in" as const, provider: provider.name, about, sign: signIt, status: 200, arrives: 1 };
}

const messageId = ({ name, channel }: Provider, number: number) =>
  `${name}-demo-${number}${channel === "email" ? "@mail.example.org" : ""}`;

const ann = "+15005550006";
const hello = written(texts, 1, "a text", { from: ann, text: "Hi! Is the blue one still available?" });
/** For whoever looks around: a message that has not been sent yet. */
export const textToTry = written(texts, 2, "a text to try", { from: ann, text: "Hello from curl" });

const isInThread = (arrived: StoredMessage[], all: StoredMessage[]) =>
  arrived[0]?.threadId !== undefined &&
  arrived[0].threadId === all.find(({ altId }) => altId === messageId(mails, 1))?.threadId;

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
    provider: texts.name,
    about: "the agent answers in HighLevel",
    answers: messageId(texts, 1),
    text: "It is. Shall I put it aside?",
    becomes: "delivered",
  },
  written(mails, 1, "an email", {
    from: "ann@example.org",
    subject: "Quote for 20 chairs",
    text: "Could you send us a quote?",
  }),
  {
    kind: "out",
    provider: mails.name,
    about: "the agent answers in its thread",
    answers: messageId(mails, 1),
    text: "With pleasure: 20 chairs are 1,900 euros.",
    becomes: "delivered",
    check: (message, sent) =>
      sent?.headers["in-reply-to"] === `<${messageId(mails, 1)}>` && message.statuses?.at(-1) === "delivered",
  },
  {
    kind: "in",
    provider: mails.name,
    about: "the person answers that email: it lands in the same thread",
    sign: ({ standIn, webhookUrl: url }) => {
      const [email] = standIn.sent;
      if (!email) throw new Error("no email has been sent that could be answered");
      return standIn.answer(email, { url, at: new Date(), id: `${mails.name}-demo-2`, text: "Make that 25, please." });
    },
    status: 200,
    arrives: 1,
    check: isInThread,
  },
  written(otherTexts, 1, "a text", { from: "+15005550007", text: "Can we move it to Friday?" }),
  written(otherMails, 1, "an email", {
    from: "bob@example.org",
    subject: "Broken link on your site",
    text: "The pricing page is gone.",
  }),
  ...terse.refusals
    .flatMap(({ when, error }) => (when ? [{ when, error }] : []))
    .slice(0, 1)
    .map(
      ({ when, error }): Scene => ({
        kind: "out",
        provider: terse.name,
        about: "the agent writes more than the provider takes",
        answers: messageId(terse, 1),
        text: "These are our terms. ".repeat(Math.ceil(when.textLongerThan / 20)).trim(),
        becomes: "failed",
        check: ({ error: told }) => told?.code === error?.code && Boolean(told?.message.includes(error?.message ?? "")),
      }),
    ),
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
    provider: texts.name,
    about: "a forgery at the delivery URL: signed, but not by HighLevel",
    sign: forge,
    status: 401,
    arrives: 0,
  },
];
