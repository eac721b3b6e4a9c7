import type { Contact, StoredMessage } from "../../src/sandbox/state.ts";
import { locationId } from "./location.ts";
import { providerOf } from "./providers.ts";
import type { StandInMessage } from "./stand-ins/stand-in.ts";
import { startTwoWay, type TwoWay, type Way } from "./two-way.ts";
import { until } from "./until.ts";

/** An email as Postmark posts it, of which a test says what matters to it. */
export interface Email {
  id: string;
  from: string;
  fromName?: string;
  to?: string;
  replyTo?: string;
  subject?: string;
  date?: Date | string;
  /** By their names. */
  headers?: Record<string, string>;
  attachments?: Record<string, unknown>[];
}

/** A bridge between a sandbox and stand-ins of all providers, and what tests of real input ask of it. */
export async function startRealInput(options: Parameters<typeof startTwoWay>[0] = {}) {
  const twoWay: TwoWay = await startTwoWay(options);
  const { bridge } = twoWay;
  const way = (provider: string): Way => {
    const found = twoWay.ways[provider];
    if (!found) throw new Error(`there is no way ${provider}`);
    return found;
  };

  /** Posts a provider's webhook, signed, and waits until it is processed. */
  async function receive(provider: string, body: unknown): Promise<{ state: string; reason: string | null }> {
    const { mappingId, webhookUrl } = way(provider);
    const { signer, fixtures } = providerOf(provider);
    const contentType = fixtures[0]?.fixture.request.contentType ?? "application/json";
    const sample = { contentType: typeof body === "string" ? contentType : typeOfBody(provider), body };
    const before = await webhooksOf(mappingId);
    const answer = await bridge.post(signer.sign(sample as never, { url: webhookUrl, at: new Date() }));
    if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    const [newest] = await until(
      () => webhooksOf(mappingId),
      ([first]) => first?.id !== before[0]?.id && first?.state !== "received",
    );
    if (!newest) throw new Error("the webhook is not there");
    return newest;
  }
  const webhooksOf = async (mappingId: string) =>
    (await bridge.admin("GET", `/webhooks?mappingId=${mappingId}&limit=1`)).body.items as {
      id: number;
      state: string;
      reason: string | null;
    }[];

  return {
    ...twoWay,
    way,
    receive,
    /** A text to the mapping of `generic-sms`. */
    receiveText: (text: { id: string; from: string; text?: string } & Record<string, unknown>) => {
      const data = { to: way("generic-sms").address, text: `The words of ${text.id}`, ...text };
      return receive("generic-sms", { type: "message.received", data });
    },
    receiveEmail: (email: Email) => receive("postmark", postmarkBody(email, way("postmark").address)),
    /** What HighLevel has of a message, by the provider's id of it. */
    posted: (id: string): Promise<StoredMessage> =>
      until(
        () => bridge.sandbox.messages().find((each) => each.altId === id),
        (found) => found !== undefined,
      ) as Promise<StoredMessage>,
    /** What the bridge has of a message, by the provider's id of it, once nothing more is to be done for it. */
    async kept(provider: string, id: string) {
      const { items } = (await bridge.admin("GET", `/messages?mappingId=${way(provider).mappingId}`)).body;
      const found = items.find((each: { providerMessageId: string }) => each.providerMessageId === id);
      if (!found) throw new Error(`there is no message ${id}`);
      const { deliveries } = (await bridge.admin("GET", `/messages/${found.id}`)).body;
      return { ...found, deliveries };
    },
    addContact: (contact: Omit<Contact, "id" | "locationId">) => bridge.sandbox.addContact({ locationId, ...contact }),
    /** What an agent types by a mapping's conversation provider. */
    write(by: Way, contactId: string, text: string, more: Record<string, unknown> = {}): StoredMessage {
      const body = by.channel === "sms" ? { message: text } : { html: `<p>${text}</p>`, subject: "A subject" };
      return bridge.sandbox.sendAsAgent(contactId, { providerId: by.providerId, ...body, ...more });
    },
    /** The text or email with these words, as the provider was asked to send it. */
    sent: (by: Way, text: string): Promise<StandInMessage> =>
      until(
        () => by.standIn.sent.find((each) => each.text?.includes(text)),
        (found) => found !== undefined,
      ) as Promise<StandInMessage>,
  };
}

export type RealInput = Awaited<ReturnType<typeof startRealInput>>;

const typeOfBody = (provider: string) =>
  provider === "twilio" || provider === "mailgun" ? "application/x-www-form-urlencoded" : "application/json";

function postmarkBody(email: Email, mailbox: string) {
  const { id, from, fromName = "", to = mailbox, replyTo, subject = "A question", date = new Date() } = email;
  const headers = { "Message-ID": `<${id}@mail.example.net>`, ...(replyTo ? { "Reply-To": replyTo } : {}) };
  return {
    ...{ MessageID: id, FromName: fromName, From: from, FromFull: { Email: from, Name: fromName, MailboxHash: "" } },
    ...{ To: to, ToFull: [{ Email: to, Name: "", MailboxHash: "" }], Cc: "", CcFull: [], Bcc: "", BccFull: [] },
    ...{ Subject: subject, ReplyTo: replyTo ?? "", TextBody: `The words of ${id}`, HtmlBody: "" },
    Date: date instanceof Date ? date.toUTCString().replace("GMT", "+0000") : date,
    Headers: Object.entries({ ...headers, ...email.headers }).map(([Name, Value]) => ({ Name, Value })),
    Attachments: email.attachments ?? [],
  };
}
