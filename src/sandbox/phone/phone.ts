import { createHmac, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** One text, from the person or to the person. */
export interface PhoneText {
  sid: string;
  side: "in" | "out";
  text: string;
  /** What the bridge answered to the webhook, or what it was told of the text. */
  fate: string;
}

/** A number at Twilio, and a person who writes to it. */
export interface Phone {
  accountSid: string;
  authToken: string;
  number: string;
  person: string;
  /** Where webhooks go, as it was pasted. */
  webhookUrl: string | undefined;
  texts: PhoneText[];
  /** The person writes: a webhook, signed as Twilio signs. */
  write(text: string): Promise<void>;
  /** The bridge has it sent: the person has it at once, and receipts follow. */
  receive(message: { text: string; callbackUrl: string | undefined }): PhoneText;
}

const maxTexts = 100;
/** Between taking a text and each word on it. */
const receiptMs = 300;

export function createPhone(): Phone {
  const keep = (text: PhoneText): PhoneText => {
    phone.texts = [...phone.texts, text].slice(-maxTexts);
    return text;
  };
  const post = async (url: string, fields: Record<string, string>): Promise<string> => {
    const form = { AccountSid: phone.accountSid, ...fields };
    const signed = Object.entries(form).toSorted().flat().join("");
    const signature = createHmac("sha1", phone.authToken).update(`${url}${signed}`).digest("base64");
    const headers = { "x-twilio-signature": signature };
    const body = new URLSearchParams(form);
    const answer = await fetch(url, { method: "POST", headers, body }).catch(() => undefined);
    return answer ? `answered ${answer.status}` : "not answered";
  };
  const tell = async (text: PhoneText, url: string) => {
    for (const MessageStatus of ["sent", "delivered"]) {
      await sleep(receiptMs, undefined, { ref: false });
      const answer = await post(url, { MessageSid: text.sid, MessageStatus, To: phone.person, From: phone.number });
      text.fate = `${MessageStatus}, ${answer}`;
    }
  };
  const phone: Phone = {
    accountSid: `AC${randomBytes(16).toString("hex")}`,
    authToken: randomBytes(16).toString("hex"),
    number: "+15005550009",
    person: "+15005550006",
    webhookUrl: undefined,
    texts: [],
    async write(text) {
      const written = keep({ sid: newSid(), side: "in", text, fate: "on its way" });
      const fields = { MessageSid: written.sid, From: phone.person, To: phone.number, Body: text };
      written.fate = phone.webhookUrl
        ? await post(phone.webhookUrl, { ...fields, SmsStatus: "received" })
        : "not posted: no webhook URL is pasted yet";
    },
    receive({ text, callbackUrl }) {
      const received = keep({ sid: newSid(), side: "out", text, fate: "taken" });
      if (callbackUrl !== undefined) void tell(received, callbackUrl);
      return received;
    },
  };
  return phone;
}

const newSid = () => `SM${randomBytes(16).toString("hex")}`;
