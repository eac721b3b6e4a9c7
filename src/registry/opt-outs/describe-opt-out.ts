import { type ConsentCause, dndNames, type OptOutChannel } from "../../model.ts";
import type { OptOut } from "../../store/schema.ts";

/** Why a person is not written to, in words for an agent. */
export function describeOptOut({ channel, cause, detail, optedOutAt }: OptOut): string {
  const words = sentences[cause](detail?.trim() || undefined, channel);
  return `${words} on ${optedOutAt.toISOString().slice(0, 10)}`;
}

/** Of what a provider or a sender tells, which has no limit of its own, as much as anybody reads. */
const maxShown = 500;
const quoted = (detail: string | undefined) =>
  detail === undefined ? "" : ` (${detail.slice(0, maxShown).toWellFormed()})`;
const inBrackets = (words: string) => (detail: string | undefined) => `${words}${quoted(detail)}`;

const sentences: Record<ConsentCause, (detail: string | undefined, channel: OptOutChannel) => string> = {
  word: (detail) => `the person has texted ${(detail ?? "stop").toUpperCase()}`,
  provider: inBrackets("the provider says that the person wants no more"),
  complaint: () => "the person has marked an email as spam",
  unsubscribe: () => "the person has unsubscribed",
  refusal: inBrackets("the provider has refused a message, as the person wants no more,"),
  bounce: inBrackets("an email to this address has bounced for good"),
  highlevel: (_, channel) => `DND for ${dndNames[channel]} was set in HighLevel`,
  import: inBrackets("the person stands in a list of opt-outs that was imported"),
  operator: inBrackets("an opt-out was entered"),
};
