import { signalwireChecks } from "../checks/signalwire.ts";
import { credentials, printable, secret, setting, shape, uuid } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { text } from "../kit/events.ts";
import { phone } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";
import { formSample } from "../kit/recipes/samples.ts";
import { post } from "../kit/sends.ts";
import { composeForm, incomingReader, noReply, readReceipt, statusIn, twilioAnswer } from "../kit/twilio/messages.ts";
import { twilioSignature } from "../kit/twilio/signature.ts";

const space = shape(/^[a-z\d-]+(\.[a-z\d-]+)*\.signalwire\.com$/i, "must be a host, such as example.signalwire.com");

/** SignalWire's Compatibility API, which is Twilio's at a host of one's own: https://signalwire.com/docs/compatibility-api/rest */
export const signalwire = defineProvider({
  label: "SignalWire",
  channel: "sms",
  credentials: credentials({
    always: {
      projectId: setting("Project ID", "In the dashboard under API Credentials.", uuid),
      signingKey: secret(
        "Signing Key",
        "In the dashboard under API Credentials, Signing Key. SignalWire signs with it.",
      ),
    },
    toSend: {
      spaceUrl: setting("Space URL", "In the dashboard under API Credentials, without https://.", space),
      apiToken: secret("API token", "In the dashboard under API Credentials. It needs the scope Messaging.", printable),
    },
  }),
  pasteAt:
    "the number's messaging settings: handle messages using LaML (cXML) webhooks, _When a message comes in_, POST. Status callbacks set themselves",
  notes: [
    "SignalWire does not repeat an incoming message that was not taken; a fallback URL of the number would get it.",
    "An MMS gets no further than sent: SignalWire has no receipts for them.",
    "SignalWire keeps no list of who wrote STOP. Numbers in the USA must be in a campaign to send.",
    "What SWML and RELAY post is JSON, which is not read.",
  ],
  receives: {
    contentTypes: ["application/x-www-form-urlencoded"],
    // https://signalwire.com/docs/platform/webhooks#verify-webhook-signature
    proof: twilioSignature({
      ...{ header: "x-signalwire-signature", orHeader: "x-twilio-signature" },
      pair: ({ projectId, signingKey }) => [projectId, signingKey],
    }),
    isReferenceSigned: true,
    sample: ({ id, from, to, text }, { projectId }) =>
      formSample({ MessageSid: id, AccountSid: projectId, From: from, To: to, Body: text, SmsStatus: "received" }),
    read,
    acknowledgement: noReply,
  },
  sends: {
    // https://signalwire.com/docs/compatibility-api/rest/messages/create-message
    request: (message, { spaceUrl, projectId, apiToken }) => {
      const url = `https://${spaceUrl}/api/laml/2010-04-01/Accounts/${projectId}/Messages`;
      return post(url, basic(projectId, apiToken), composeForm(message));
    },
    answer: twilioAnswer,
    // https://signalwire.com/docs/compatibility-api/rest/error-codes
    refusals: {
      ...{ "21610": "opted_out", "21611": "throttled", "20003": "misconfigured" },
      ...{ "21601": "misconfigured", "21717": "misconfigured" },
    },
  },
  checks: signalwireChecks,
});

const told = {
  label: "SignalWire",
  explain: (code: string) => `error ${code}: see https://signalwire.com/docs/compatibility-api/rest/error-codes`,
};

const readIncoming = incomingReader(phone);

function read(webhook: DecodedWebhook) {
  const word = statusIn(webhook);
  if (word !== undefined) return readReceipt(webhook, word, told);
  const { to, body, ...rest } = readIncoming(webhook);
  return text({ ...rest, to: [to], text: body });
}
