import { z } from "zod";
import type { CallStatus } from "../../../model.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { addition, call, ignored, recording, transcript } from "../../kit/events.ts";
import { at, callParty, maybeText, messageId, requiredText, time } from "../../kit/fields.ts";

/** What the Voice API tells of calls: https://developers.telnyx.com/docs/voice/programmable-voice/receiving-webhooks */

/** One reader for each event that says something of a call that is over. */
export const callEvents: Record<string, (webhook: DecodedWebhook) => ReturnType<typeof readHangup | typeof readSaved>> =
  {
    "call.hangup": readHangup,
    "call.recording.saved": readSaved,
    "call.recording.transcription.saved": readTranscript,
  };

const hangup = at("data.payload", {
  ...{ call_leg_id: messageId, from: callParty, to: callParty, direction: maybeText },
  ...{ start_time: time, end_time: time, hangup_cause: maybeText },
});
const statuses: Record<string, CallStatus> = {
  ...{
    normal_clearing: "completed",
    time_limit: "completed",
    user_busy: "busy",
    timeout: "no-answer",
    no_answer: "no-answer",
  },
  ...{ originator_cancel: "canceled", call_rejected: "busy" },
};

function readHangup(webhook: DecodedWebhook) {
  const { call_leg_id: id, from, to, direction, hangup_cause: cause = "", ...times } = webhook.read(hangup);
  const { start_time: start, end_time: end } = times;
  const status = Object.hasOwn(statuses, cause) ? (statuses[cause] as CallStatus) : "failed";
  const durationSeconds = start && end ? Math.max(0, (end.getTime() - start.getTime()) / 1000) : undefined;
  const way = direction === "outgoing" ? ("outbound" as const) : undefined;
  return call({ id, from, to, sentAt: start ?? end, direction: way, status, durationSeconds });
}

const urls = z.object({ mp3: maybeText, wav: maybeText }).nullish();
/** With the id, and links of ten minutes: https://developers.telnyx.com/docs/voice/programmable-voice/storing-call-recordings */
const saved = at("data.payload", {
  ...{ call_leg_id: messageId, recording_id: maybeText, recording_urls: urls, public_recording_urls: urls },
});

/** Where the API gives a link that is new, by the id; else by the link that came. */
function readSaved(webhook: DecodedWebhook) {
  const { call_leg_id: callId, recording_id: id, ...links } = webhook.read(saved);
  const { mp3, wav } = { ...links.recording_urls, ...given(links.public_recording_urls) };
  const link = mp3 ?? wav;
  if (id === undefined && link === undefined) return ignored("a recording with neither an id nor a link");
  const url = id === undefined ? (link as string) : `https://api.telnyx.com${recordings}${id}`;
  return addition(callId, [recording(id ?? url.replace(/\?.*/s, ""), url, mp3 || !wav ? "mp3" : "wav")]);
}

const given = (links: z.infer<typeof urls>) => (links?.mp3 || links?.wav ? links : {});

export const recordings = "/v2/recordings/";

/** https://developers.telnyx.com/api-reference/call-recordings/retrieve-a-call-recording */
const located = at("data.download_urls", { mp3: maybeText, wav: maybeText });

/** The link to a recording, in the answer that tells of it. */
export function linkIn(answer: unknown): string | undefined {
  const { mp3, wav } = located.safeParse(answer).data ?? {};
  return mp3 ?? wav;
}

/** https://developers.telnyx.com/api-reference/callbacks/call-recording-transcription-saved */
const transcribed = at("data.payload", {
  ...{ call_leg_id: messageId, recording_transcription_id: maybeText, recording_id: maybeText },
  ...{ status: maybeText, transcription_text: maybeText },
});

function readTranscript(webhook: DecodedWebhook) {
  const { call_leg_id: callId, transcription_text: text, status, ...ids } = webhook.read(transcribed);
  if (text === undefined) return ignored(`a transcript that is ${status ?? "of no status"}: there are no words`);
  const id = ids.recording_transcription_id ?? webhook.read(at("data.id", requiredText));
  return addition(callId, [transcript(id, text)]);
}
