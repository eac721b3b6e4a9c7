import type { CallApi } from "../calls/call-api.ts";
import { reasonOf } from "../calls/failure-reason.ts";
import { Failure } from "../errors.ts";
import { normalizeMailbox, spellingsOf } from "../formats/mailbox.ts";
import { numberOfToday } from "../formats/phone-number.ts";
import type { Highlevel } from "../highlevel/client.ts";
import type { Email } from "../highlevel/schemas.ts";
import { composeOutbound } from "../messages/compose-outbound.ts";
import { findParent, referencesTo } from "../messages/find-parent.ts";
import type { PlainText } from "../messages/plain-text.ts";
import type { SentMessage } from "../model.ts";
import { meaningOf } from "../providers/kit/adapter.ts";
import type { Mapping } from "../registry/mappings.ts";
import { changeConsents } from "../registry/opt-outs/change-consents.ts";
import { channelsMeantBy, channelsOf } from "../registry/opt-outs/channels.ts";
import type { Recipient } from "../store/consent/opt-outs.ts";
import { enqueueDeliveries } from "../store/deliveries.ts";
import { keepContentParts } from "../store/messages/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import { repeatOnConflict } from "../store/postgres/database-errors.ts";
import type { Conversation, MessageContent } from "../store/schema.ts";
import { type FetchAttachmentsContext, fetchAttachments } from "./attachments/fetch-attachments.ts";
import { type AttemptResult, type MessageAttempt, requireMapping } from "./attempt.ts";
import { beginUnlessOptedOut } from "./consent/begin-unless-opted-out.ts";
import { isOutcomeUnknown } from "./retry.ts";
import { mayBeOut, type Place, requireWindow, takePlace } from "./windows/keep-to-window.ts";

export interface SendContext extends Omit<FetchAttachmentsContext, "signal"> {
  db: Db;
  highlevel: Highlevel;
  /** The way out to providers. */
  callProvider: CallApi;
  plainText: Pick<PlainText, "of">;
  publicUrl: string;
  /** Proves the tokens that an email carries. */
  emailSecret: Buffer;
}

/**
 * Sends a message through the mapping's provider. Where an earlier attempt may have sent it, only a provider that carries
 * out a repeated send once is asked again; for the others a receipt must have told that it was sent. Throws a Failure.
 */
export async function sendOutbound(context: SendContext, input: MessageAttempt): Promise<AttemptResult> {
  const mapping = requireMapping(input);
  const { message, conversation, signal } = input;
  if (message.state !== "queued") {
    return { detail: "a receipt tells that an earlier attempt was carried out", change: {}, isToReport: true };
  }
  const [credentials] = mapping.credentials;
  if (credentials === undefined) {
    throw new Failure("misconfigured", "the mapping was deleted, and its credentials with it");
  }
  const { isOutcomeUnknown: isInDoubt } = input;
  if (isInDoubt && !mapping.adapter.isIdempotent) throw new Failure("unconfirmed", mayBeOut);
  const { db } = context;
  const channels = channelsOf(mapping, message.content?.service);
  // A conversation of before may be kept by a former number, beside that of today: opt-outs are by that.
  const person = { locationId: input.locationId, address: numberOfToday(conversation.address), channels };
  const send = { mappingId: mapping.id, message, person, isOutcomeUnknown: isInDoubt };
  const { dailyCap, sendFrom } = await requireWindow(db, send);
  const content = await completeContent(context, mapping, input);
  const urls = content.attachments.flatMap(({ url }) => url ?? []);
  const files = await fetchAttachments({ ...context, signal }, urls, mapping.channel);
  const address = spelled(conversation, content);
  const { publicUrl, emailSecret } = context;
  const plainText = content.html && !content.text ? await context.plainText.of(content.html) : undefined;
  const outbound = composeOutbound({ mapping, publicUrl, emailSecret, address, message, content, plainText, ...files });

  let place: Place | undefined;
  const callApi: CallApi = async (request) => {
    if (dailyCap !== null || sendFrom !== null) place ??= await takePlace(db, send);
    return beginUnlessOptedOut(db, person, () => {
      input.beforeCall();
      return context.callProvider({ ...request, signal });
    });
  };
  const sent = await mapping.adapter.send(outbound, credentials, callApi).catch(async (error: unknown) => {
    const failure = error instanceof Failure ? readRefusal(mapping, error) : error;
    if (failure instanceof Failure) {
      const meant = channelsMeantBy("stop", mapping, message.content?.service);
      await keepRefusal(db, { ...person, channels: meant, messageId: message.id }, failure);
      // One that cannot be given back is lost for the day: rather one too few than one too many.
      if (!isInDoubt && !isOutcomeUnknown("provider", failure.reason)) await place?.giveBack().catch(() => undefined);
    }
    throw failure;
  });
  return { status: 200, change: changeBy(sent), isToReport: mapping.channel === "email" };
}

/**
 * The address as the person wrote it last, else as HighLevel spells it, which for most contacts is in lower case: to its
 * host upper and lower case may be different people. https://www.rfc-editor.org/rfc/rfc5321#section-2.4
 * A former number may be the only one by which WhatsApp knows somebody, and nobody has it elsewhere.
 */
function spelled(conversation: Conversation, { to: [given], service }: MessageContent): string {
  const { address, spelling, service: last } = conversation;
  if (spelling !== null && (last === null || last === service)) return spelling;
  return given !== undefined && [normalizeMailbox(given), numberOfToday(given)].includes(address) ? given : address;
}

function changeBy({ providerMessageId, rfcMessageId }: SentMessage): AttemptResult["change"] {
  return { providerMessageId, ...(rfcMessageId ? { rfcMessageId } : {}), ifQueued: { state: "sent" } };
}

/** A provider that refuses the message because the person wants no more tells what HighLevel does not know yet. */
async function keepRefusal(db: Db, refused: Recipient & { messageId: number }, failure: Failure): Promise<void> {
  const { reason, status, message: detail } = failure;
  // Without a status nobody was called: it is known.
  if (reason !== "opted_out" || status === undefined) return;
  const { channels, ...about } = refused;
  const news = channels.map((channel) => {
    return { ...about, channel, change: "stop" as const, cause: "refusal" as const, detail };
  });
  await repeatOnConflict(() =>
    db.transaction(async (tx) => {
      const { owed } = await changeConsents(tx, news);
      await enqueueDeliveries(tx, owed);
    }),
  );
}

/** A provider's refusal in its own words. */
function readRefusal({ adapter, provider }: Mapping, failure: Failure): Failure {
  const { status, answer, retryAfterSeconds } = failure;
  if (status === undefined || (status >= 200 && status < 300)) return failure;
  const words = adapter.readError(answer);
  const message = words ? `${words.message} (${provider} ${words.code})` : `${provider}: ${failure.message}`;
  const more = { status, code: words?.code, retryAfterSeconds, answer, cause: failure };
  const isOptedOut = meaningOf(adapter.refusals, words?.code) === "opted_out";
  return new Failure(isOptedOut ? "opted_out" : reasonOf("provider", { status }), message, more);
}

/** An email with its thread, and with the cc and bcc that HighLevel's call leaves out: read back once, and kept. */
async function completeContent(context: SendContext, mapping: Mapping, input: MessageAttempt): Promise<MessageContent> {
  const { message, conversation } = input;
  const { content } = message;
  if (!content) {
    throw new Failure("rejected", "the message's content was deleted after RETENTION_DAYS: there is nothing to send");
  }
  if (mapping.channel === "sms" || content.isComplete) return content;
  const email = await readBack(context, input);
  const parent = await findParent(context.db, { message, content, conversation, email });
  const others = (list: string[] | undefined) => spellingsOf(list?.join(", "), [mapping.address, conversation.address]);
  const parts = {
    cc: others([...content.cc, ...(email?.cc ?? [])]),
    bcc: others(email?.bcc),
    ...(parent ? referencesTo(parent) : {}),
    isComplete: true,
  };
  await keepContentParts(context.db, message.id, parts);
  return { ...content, ...parts };
}

/** After so long an email that HighLevel does not show will not be shown. */
const visibleWithinMs = 60_000;

/** Nothing has been sent yet: whatever keeps HighLevel from telling, it is asked again. */
async function readBack({ highlevel }: SendContext, { message, access }: MessageAttempt): Promise<Email | undefined> {
  const id = message.highlevelEmailMessageId ?? message.highlevelMessageId;
  if (!id) return undefined;
  try {
    return await highlevel.findEmail(await access(), id);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { status, retryAfterSeconds } = error;
    const isAbsent = error.reason === "rejected" || error.reason === "misconfigured";
    if (isAbsent && Date.now() - message.receivedAt.getTime() > visibleWithinMs) return undefined;
    const what = "HighLevel could not be asked for the email's cc and thread";
    // After a 401 the token is renewed, and HighLevel asked again.
    const reasonWhileAway = error.reason === "unauthorized" ? "unauthorized" : "unavailable";
    throw new Failure(isAbsent ? "not_visible" : reasonWhileAway, `${what}: ${error.message}`, {
      status,
      retryAfterSeconds,
    });
  }
}
