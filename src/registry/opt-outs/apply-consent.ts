import { type ConsentCause, type ConsentChange, consentCauses } from "../../model.ts";
import type { OptOutChange } from "../../store/consent/opt-outs.ts";
import type { OptOut } from "../../store/schema.ts";

/** What is known of a person's opt-out, or is about to be kept of it. */
export type KnownOptOut = Pick<OptOut | OptOutChange, "cause" | "detail" | "messageId" | "liftedBy">;

export interface ConsentNews {
  change: ConsentChange;
  cause: ConsentCause;
  detail?: string | undefined;
  messageId?: number | undefined;
  /** It lifts nothing but what stands with this detail. */
  onlyOf?: string | undefined;
}

/**
 * What news leave of a person's opt-out; the same where they change nothing. Of several reasons not to write to somebody the
 * strongest is kept, and of an operator's notes the latest. A person's START takes back what the person said, by whatever means, and what a provider says of that;
 * an operator takes back everything; and HighLevel what was set in HighLevel.
 */
export function applyConsent(known: KnownOptOut | undefined, news: ConsentNews): KnownOptOut | undefined {
  const { change, cause, detail = null, messageId = null, onlyOf } = news;
  const stands = known !== undefined && known.liftedBy === null;
  if (change === "stop") {
    const isNews = !stands || strengthOf(cause) > strengthOf(known.cause) || isOtherNote(known, cause, detail);
    return isNews ? { cause, detail, messageId, liftedBy: null } : known;
  }
  const isMeant = stands && (onlyOf === undefined || known.detail === onlyOf);
  return isMeant && lifts(cause, known.cause) ? { ...known, liftedBy: cause } : known;
}

/** What is entered again without a note leaves the one that there is. */
const isOtherNote = (known: KnownOptOut, cause: ConsentCause, detail: string | null) =>
  cause === "operator" && known.cause === "operator" && detail !== null && detail !== known.detail;

const strengthOf = (cause: ConsentCause) => consentCauses.indexOf(cause);

/** What people say of themselves, by whatever means, and what a provider says of that. */
export const said: readonly ConsentCause[] = ["refusal", "unsubscribe", "complaint", "provider", "word"];

function lifts(cause: ConsentCause, known: ConsentCause): boolean {
  if (cause === "operator") return true;
  return cause === "highlevel" ? known === "highlevel" : said.includes(cause) && said.includes(known);
}
