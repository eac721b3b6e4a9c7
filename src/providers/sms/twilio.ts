import { twilioChecks } from "../checks/twilio.ts";
import { twilioHistory } from "../histories/twilio.ts";
import { credentials, secret, setting, sid } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { basic } from "../kit/proofs.ts";
import { formSample } from "../kit/recipes/samples.ts";
import { post } from "../kit/sends.ts";
import { composeForm, noReply, readReceipt, statusIn, twilioAnswer } from "../kit/twilio/messages.ts";
import { twilioSignature } from "../kit/twilio/signature.ts";
import { isOfCall, readCallEvent } from "./twilio/calls.ts";
import { readText } from "./twilio/texts.ts";

/** Twilio Programmable Messaging: https://www.twilio.com/docs/messaging/guides/webhook-request */
export const twilio = defineProvider({
  label: "Twilio",
  channel: "sms",
  credentials: credentials({
    always: {
      accountSid: setting("Account SID", "On the first page of the Console, under Account Info.", sid("AC")),
      authToken: secret("Auth Token", "Beside the Account SID. The primary one: Twilio signs with no other."),
    },
    ifWanted: {
      messagingServiceSid: setting(
        "Messaging Service SID",
        "Sends through this service, still from the mapping's number, which must be in its sender pool.",
        sid("MG"),
      ),
    },
  }),
  pasteAt:
    "the number's _A message comes in_, HTTP POST. Add `#rc=3&rp=all` to have Twilio try again after an outage. Status callbacks set themselves",
  notes: [
    "What Twilio keeps of a number's SMS and MMS can be [imported](../imports.md#a-providers-history). Of WhatsApp it lists nothing under the number.",
    "Twilio itself refuses more than ten files in one message.",
    "For its calls, give the number's _Call status changes_ the same URL, and the mapping a `callProviderId`. Recordings and transcripts are added to them where your TwiML or call gives that URL as `recordingStatusCallback` and `transcribeCallback`.",
    "A leg that `<Dial>` makes is told only where its `<Number>` has a `statusCallback`: from a number that is mapped it is a call of the business to whom it rings, so give none to those that ring agents. Any other leg is ignored, and so is a call from a withheld number, a SIP address or a client.",
    "Who writes by WhatsApp or RCS is answered by it, and by SMS again once they write a text.",
  ],
  receives: {
    contentTypes: ["application/x-www-form-urlencoded", "application/json"],
    proof: twilioSignature({
      header: "x-twilio-signature",
      pair: ({ accountSid, authToken }) => [accountSid, authToken],
    }),
    isReferenceSigned: true,
    sample: ({ id, from, to, text }, { accountSid }) =>
      formSample({ MessageSid: id, AccountSid: accountSid, From: from, To: to, Body: text, SmsStatus: "received" }),
    read,
    acknowledgement: noReply,
  },
  sends: {
    // https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
    request: (message, { accountSid, authToken, messagingServiceSid }) => {
      const url = `https://api.twilio.com/2010-04-01/Accounts/${accountSid}/Messages.json`;
      return post(url, basic(accountSid, authToken), composeForm(message, messagingServiceSid));
    },
    answer: twilioAnswer,
    // https://www.twilio.com/docs/api/errors
    refusals: { "21610": "opted_out", "20003": "misconfigured", "20429": "throttled" },
    // https://www.twilio.com/docs/whatsapp/api#sending-notifications-with-whatsapp
    services: ["whatsapp", "rcs"],
  },
  media: {
    hosts: [".twilio.com"],
    // https://www.twilio.com/docs/messaging/api/media-resource
    // https://www.twilio.com/docs/voice/api/recording
    path: ({ accountSid }) => [
      `/2010-04-01/Accounts/${accountSid}/Messages/{id}/Media/{id}`,
      `/2010-04-01/Accounts/${accountSid}/Recordings/{file}`,
    ],
    // To an address that is valid for four hours: https://support.twilio.com/hc/en-us/articles/223183748
    redirectHosts: [".twiliocdn.com", "s3-external-1.amazonaws.com"],
    headers: ({ accountSid, authToken }) => basic(accountSid, authToken),
  },
  history: twilioHistory,
  checks: twilioChecks,
});

const explain = (code: string) => `see https://www.twilio.com/docs/api/errors/${code}`;

function read(webhook: DecodedWebhook) {
  if (isOfCall(webhook)) return readCallEvent(webhook);
  const word = statusIn(webhook);
  return word === undefined ? readText(webhook) : readReceipt(webhook, word, { label: "Twilio", explain });
}
