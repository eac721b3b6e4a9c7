import { z } from "zod";
import { parseMailDate } from "../../../formats/mail-headers.ts";
import type { CallStatus } from "../../../model.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { addition, call, ignored, recording, transcript } from "../../kit/events.ts";
import { callParty, maybeText, messageId, requiredText } from "../../kit/fields.ts";

/** https://www.twilio.com/docs/voice/api/call-resource#statuscallback */
const kind = z.object({
  ...{ CallSid: maybeText, CallStatus: maybeText, RecordingStatus: maybeText, TranscriptionStatus: maybeText },
});
const callStatuses: Record<string, CallStatus> = {
  ...{ completed: "completed", busy: "busy", "no-answer": "no-answer", failed: "failed", canceled: "canceled" },
};
/** As in `Sat, 21 Nov 2026 09:59:58 +0000`: https://www.rfc-editor.org/rfc/rfc2822#section-3.3 */
const mailTime = maybeText.transform(parseMailDate);

/** What stands for a caller who withholds theirs: https://help.twilio.com/articles/223179988 */
const notNumbers = new Set(["+7378742833", "+2562533", "+8656696", "+266696687", "+86282452253"]);
const caller = callParty.transform((number = "") => (notNumbers.has(number) ? undefined : number || undefined));

const ended = z.object({
  ...{ CallSid: messageId, From: caller, To: callParty, Direction: maybeText, ParentCallSid: maybeText },
  ...{ CallDuration: maybeText, Timestamp: mailTime, RecordingSid: maybeText, RecordingUrl: maybeText },
});

export const isOfCall = (webhook: DecodedWebhook) => webhook.read(kind).CallSid !== undefined;

/** How a call ended, or what comes to it later. */
export function readCallEvent(webhook: DecodedWebhook) {
  const { CallStatus = "of no status", RecordingStatus, TranscriptionStatus } = webhook.read(kind);
  if (TranscriptionStatus !== undefined) return readTranscript(webhook, TranscriptionStatus);
  if (RecordingStatus !== undefined) return readRecording(webhook, RecordingStatus);
  return readCall(webhook, CallStatus);
}

/** Only how it ended is told. */
function readCall(webhook: DecodedWebhook, word: string) {
  const status = Object.hasOwn(callStatuses, word) ? callStatuses[word] : undefined;
  if (status === undefined) return ignored(`a call that is ${word}: it is told when it has ended`);
  const { CallSid: id, From: from, To: to, Timestamp: sentAt, ...facts } = webhook.read(ended);
  const { Direction, CallDuration, ParentCallSid, RecordingSid, RecordingUrl } = facts;
  const direction = /^outbound/.test(Direction ?? "") ? ("outbound" as const) : undefined;
  const durationSeconds = /^\d{1,7}$/.test(CallDuration ?? "") ? Number(CallDuration) : undefined;
  const attachments = RecordingSid && RecordingUrl ? [recordingAt(RecordingSid, RecordingUrl)] : [];
  const isLeg = ParentCallSid !== undefined;
  return call({ id, from, to, sentAt, direction, status, durationSeconds, isLeg, attachments });
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
