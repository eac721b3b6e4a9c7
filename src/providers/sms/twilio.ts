import { z } from "zod";
import { describePlace } from "../../formats/describe-place.ts";
import { parseMailDate } from "../../formats/mail-headers.ts";
import type { CallStatus } from "../../model.ts";
import { twilioChecks } from "../checks/twilio.ts";
import { twilioHistory } from "../histories/twilio.ts";
import { credentials, secret, setting, sid } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { addition, call, ignored, recording, text, transcript, wishIn } from "../kit/events.ts";
import { maybeText, messageId, phoneSeenBy, requiredText, textPartySeenBy } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";
import { formSample } from "../kit/recipes/samples.ts";
import { post } from "../kit/sends.ts";
import { composeForm, incomingReader, noReply, readReceipt, statusIn, twilioAnswer } from "../kit/twilio/messages.ts";
import { twilioSignature } from "../kit/twilio/signature.ts";

/**
 * Twilio Programmable Messaging: https://www.twilio.com/docs/messaging/guides/webhook-request
 * Longer than others by what people can say by WhatsApp and RCS.
 */
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

/** What people say by WhatsApp and RCS otherwise than in words: https://www.twilio.com/docs/messaging/guides/webhook-request */
const said = z.object({
  ...{ ButtonText: maybeText, ListTitle: maybeText, ListDescription: maybeText, MessageType: maybeText },
  ...{ ButtonPayload: maybeText, ListId: maybeText, InteractiveData: maybeText, FlowData: maybeText },
  ...{ ReferralHeadline: maybeText, ReferralBody: maybeText, ReferralSourceUrl: maybeText },
});
/** https://www.twilio.com/docs/messaging/guides/webhook-request#location-sharing-parameters */
const place = z.object({ Label: maybeText, Address: maybeText, Latitude: maybeText, Longitude: maybeText });

/**
 * With Advanced Opt-Out: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out. The name is WhatsApp's:
 * https://www.twilio.com/docs/messaging/guides/webhook-request#whatsapp-specific-parameters
 */
const besides = z.object({ OptOutType: maybeText, ProfileName: maybeText });

const explain = (code: string) => `see https://www.twilio.com/docs/api/errors/${code}`;

const readIncoming = incomingReader(textPartySeenBy(undefined));

/** https://www.twilio.com/docs/voice/api/call-resource#statuscallback */
const kindOfCall = z.object({
  ...{ CallSid: maybeText, CallStatus: maybeText, RecordingStatus: maybeText, TranscriptionStatus: maybeText },
});
const callStatuses: Record<string, CallStatus> = {
  ...{ completed: "completed", busy: "busy", "no-answer": "no-answer", failed: "failed", canceled: "canceled" },
};
/** As in `Sat, 21 Nov 2026 09:59:58 +0000`: https://www.rfc-editor.org/rfc/rfc2822#section-3.3 */
const mailTime = maybeText.transform(parseMailDate);

const ended = z.object({
  ...{ CallSid: messageId, From: phoneSeenBy(undefined), To: phoneSeenBy(undefined), Direction: maybeText },
  ...{ CallDuration: maybeText, Timestamp: mailTime, RecordingSid: maybeText, RecordingUrl: maybeText },
});

/** Only how it ended is told. */
function readCall(webhook: DecodedWebhook, word: string) {
  const status = Object.hasOwn(callStatuses, word) ? callStatuses[word] : undefined;
  if (status === undefined) return ignored(`a call that is ${word}: it is told when it has ended`);
  const { CallSid: id, From: from, To: to, Timestamp: sentAt, ...facts } = webhook.read(ended);
  const { Direction, CallDuration, RecordingSid, RecordingUrl } = facts;
  const direction = /^outbound/.test(Direction ?? "") ? ("outbound" as const) : undefined;
  const durationSeconds = /^\d{1,7}$/.test(CallDuration ?? "") ? Number(CallDuration) : undefined;
  const attachments = RecordingSid && RecordingUrl ? [recordingAt(RecordingSid, RecordingUrl)] : [];
  return call({ id, from, to: [to], sentAt, direction, status, durationSeconds, attachments });
}

/** The URL gives an MP3 with that ending: https://www.twilio.com/docs/voice/api/recording#fetch-a-recording-resource */
const recordingAt = (id: string, url: string) => recording(id, `${url}.mp3`, "mp3");

/** https://www.twilio.com/docs/voice/api/recording#recordingstatuscallback */
const recorded = z.object({ CallSid: messageId, RecordingSid: messageId, RecordingUrl: requiredText });

function readRecording(webhook: DecodedWebhook, word: string) {
  if (word !== "completed") return ignored(`a recording that is ${word}: there is no file`);
  const { CallSid, RecordingSid, RecordingUrl } = webhook.read(recorded);
  return addition(CallSid, [recordingAt(RecordingSid, RecordingUrl)]);
}

/** https://www.twilio.com/docs/voice/twiml/record#transcribecallback */
const transcribed = z.object({ CallSid: messageId, TranscriptionSid: messageId, TranscriptionText: requiredText });

function readTranscript(webhook: DecodedWebhook, word: string) {
  if (word !== "completed") return ignored(`a transcript that is ${word}: there are no words`);
  const { CallSid, TranscriptionSid, TranscriptionText } = webhook.read(transcribed);
  return addition(CallSid, [transcript(TranscriptionSid, TranscriptionText)]);
}

function read(webhook: DecodedWebhook) {
  const { CallSid, CallStatus, RecordingStatus, TranscriptionStatus } = webhook.read(kindOfCall);
  if (CallSid !== undefined && TranscriptionStatus !== undefined) return readTranscript(webhook, TranscriptionStatus);
  if (CallSid !== undefined && RecordingStatus !== undefined) return readRecording(webhook, RecordingStatus);
  if (CallSid !== undefined) return readCall(webhook, CallStatus ?? "of no status");
  const word = statusIn(webhook);
  return word === undefined ? readText(webhook) : readReceipt(webhook, word, { label: "Twilio", explain });
}

function readText(webhook: DecodedWebhook) {
  const { id, from, to, body, attachments } = readIncoming(webhook);
  const words = wordsOf(webhook, body) || (attachments.length > 0 ? undefined : nothingSaid(webhook));
  const { OptOutType, ProfileName: fromName } = webhook.read(besides);
  const person = { from: from.number, fromName, service: from.service };
  return text({ id, ...person, to: [to.number], text: words, attachments, ...wishIn(OptOutType) });
}

/** The text, what was chosen or sent besides, and below it the advertisement from which the person wrote. */
function wordsOf(webhook: DecodedWebhook, body: string | undefined): string {
  const { Label: label, Address: address, Latitude: latitude, Longitude: longitude } = webhook.read(place);
  const { ButtonText, ListTitle, ListDescription, ...more } = webhook.read(said);
  const named = [ButtonText ?? more.ButtonPayload, ListTitle ?? more.ListId, ListDescription];
  const chosen = [...named, more.InteractiveData ?? more.FlowData].filter((words) => words && !body?.includes(words));
  const advertised = [more.ReferralHeadline, more.ReferralBody, more.ReferralSourceUrl].filter(Boolean).join(" · ");
  const answersTo = advertised === "" ? undefined : `[Written from: ${advertised}]`;
  return [body, ...chosen, describePlace({ label, address, latitude, longitude }), answersTo]
    .filter(Boolean)
    .join("\n");
}

/** Of reactions, stickers and the like Twilio tells the type at most. */
function nothingSaid(webhook: DecodedWebhook): string | undefined {
  const { MessageType } = webhook.read(said);
  if (MessageType === undefined || MessageType === "text") return undefined;
  return `[A message of type ${MessageType}, of which Twilio tells nothing more]`;
}
