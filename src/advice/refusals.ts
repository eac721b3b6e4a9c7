import type { RefusalReason } from "../model.ts";

/** Why a webhook was turned away, and what to do, as docs/faults.md says it. */
export const refusals: Record<RefusalReason, { means: string; advice: string }> = {
  other_url: {
    means: "The provider calls by another URL.",
    advice:
      "Behind a proxy, mostly. Set PUBLIC_URL to the one that fits, or paste the URL at the provider as it is shown here.",
  },
  no_match: {
    means: "None of the credentials fits.",
    advice:
      "A secret was rotated at the provider, the URL is another account's, or it is forged. Give the account both secrets.",
  },
  stale: {
    means: "It comes too late.",
    advice: "A recorded one, or a queue before us. For all of them: a clock is wrong, ours first.",
  },
  unsigned: {
    means: "It lacks its signature.",
    advice: "It is not the provider's, or a proxy takes the header away.",
  },
  wrong_type: {
    means: "It has another content type.",
    advice: "Choose the one of the provider's page at the provider.",
  },
  unverified: {
    means: "Nobody looked why.",
    advice: "Too many came at once, or it is larger than 100 kB. See what else there is.",
  },
  misdirected: {
    means: "It is about another location.",
    advice: "Another sub-account has the delivery URL in its conversation provider: correct the URL in its app.",
  },
  too_large: {
    means: "It is too large.",
    advice: "Raise SMS_BODY_LIMIT_KB or EMAIL_BODY_LIMIT_KB, and start the bridge anew.",
  },
  limited: {
    means: "Too much comes.",
    advice: "Find out what floods it, or raise WEBHOOKS_PER_MINUTE_PER_MAPPING; by 503 it is BODY_MEMORY_MB.",
  },
};
