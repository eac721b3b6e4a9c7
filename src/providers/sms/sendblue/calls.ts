import { z } from "zod";
import type { CallStatus } from "../../../model.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { addition, call, ignored, transcript } from "../../kit/events.ts";
import { callParty, maybeText, messageId, seconds } from "../../kit/fields.ts";

/**
 * A webhook of type call_log. Of its fields Sendblue documents `disposition` and `transcript` (https://docs.sendblue.com/calling/);
 * the others are as its list of May 2026 had them: https://github.com/AmirAlsad/sendblue-ai-agent/blob/main/tests/unit/sendblue-parser.test.ts
 */
const kind = z.object({
  ...{ event_type: maybeText, call_id: maybeText, message_handle: maybeText, disposition: z.unknown().optional() },
});

/** What has a message's handle is one, whatever else stands in it. */
export function isOfCall(webhook: DecodedWebhook): boolean {
  const { event_type, call_id, message_handle, disposition } = webhook.read(kind);
  if (event_type === "call_log") return true;
  return message_handle === undefined && (call_id !== undefined || disposition !== undefined);
}

const logged = z.object({
  ...{ call_id: messageId, from_number: callParty, to_number: callParty, direction: maybeText },
  ...{ disposition: maybeText, status: maybeText, duration: seconds, transcript: maybeText },
});

/** What is said of how a call ended, by Sendblue and by Twilio, through which some are made. */
const statuses: Record<string, CallStatus> = {
  ...{ connected: "completed", completed: "completed", answered: "completed", voicemail: "voicemail" },
  ...{ "not-answered": "no-answer", "no-answer": "no-answer", missed: "no-answer", busy: "busy", declined: "busy" },
  ...{ canceled: "canceled", cancelled: "canceled" },
};
const underWay = new Set(["queued", "initiated", "ringing", "in-progress"]);

/** The words come with the call or after it, in another webhook of the same call: they are added to it either way. */
export function readCall(webhook: DecodedWebhook) {
  if (webhook.read(kind).call_id === undefined) return ignored("a call without its call_id: it cannot be told once");
  const { call_id: id, from_number: from, to_number: to, ...said } = webhook.read(logged);
  // Of these two fields alone it is documented that they come: the call is told of elsewhere.
  if (from === undefined && to === undefined && said.transcript !== undefined)
    return addition(id, [transcript(id, said.transcript)]);
  const [word = "of no status", ...others] = [said.disposition, said.status].flatMap((each) => wordOf(each) ?? []);
  if (underWay.has(word)) return ignored(`a call that is ${word}: it is told when it has ended`);
  const known = [word, ...others].find((each) => Object.hasOwn(statuses, each));
  const status = known === undefined ? "failed" : (statuses[known] as CallStatus);
  // Twilio says `outbound-api` and `outbound-dial`: https://www.twilio.com/docs/voice/api/call-resource
  const direction = /^outbound\b/i.test(said.direction ?? "") ? ("outbound" as const) : undefined;
  const ended = call({ id, from, to, direction, status, durationSeconds: said.duration });
  if (ended.kind === "ignored" || said.transcript === undefined) return ended;
  return [ended, addition(id, [transcript(id, said.transcript)])];
}

const wordOf = (given: string | undefined) => given?.trim().toLowerCase().replaceAll(/[\s_]/g, "-");
