import type { FailureReason } from "../errors.ts";

/** What a reason means, as docs/operate.md says it, and what to do about what is dead, or waits, for it. */
interface ReasonWords {
  means: string;
  advice: string;
}

export const reasons: Record<FailureReason, ReasonWords> = {
  unreachable: {
    means: "no connection, or a provider's host that rests because it has not answered; the request never left",
    advice: "It is tried again. See whether the other side is up, then replay what was given up.",
  },
  outcome_unknown: {
    means: "it left, and no whole answer came",
    advice: "Towards HighLevel it is looked up, and posted only if it is not there. Nothing is to be done meanwhile.",
  },
  unavailable: {
    means: "408, 425, 503; from HighLevel also 502, 504",
    advice: "It is tried again. When the other side is well, replay what was given up.",
  },
  server_error: {
    means: "another 5xx",
    advice: "Look at the other side's words. When it is well, replay it.",
  },
  invalid_answer: {
    means: "a 2xx without an id, or an answer of more than 10 MB",
    advice: "Look whether it is there before you replay it.",
  },
  throttled: {
    means: "429",
    advice: "It goes on by itself, as late as the other side asks. Have it allow more where that comes often.",
  },
  own_limit: {
    means:
      "a limit that is set here is used up, or a provider's host has its share of calls under way: nobody was called",
    advice: "It goes on by itself. Raise HIGHLEVEL_REQUESTS_PER_10_SECONDS, _PER_DAY or DELIVERY_CONCURRENCY.",
  },
  unauthorized: {
    means: "the token is expired, lacks a scope or is of the wrong kind",
    advice: "Give the location another token. What waits goes out by itself afterwards.",
  },
  needs_reauthorization: {
    means: "HighLevel gives no new token",
    advice: "Connect the location again at /oauth/install. What waits goes out by itself afterwards.",
  },
  not_visible: {
    means: "HighLevel does not show its own new message yet",
    advice: "It is tried again. Nothing is to be done.",
  },
  misconfigured: {
    means: "a setting: the provider id is not yours, credentials are missing or wrong",
    advice: "Correct the setting that the words name, then replay it.",
  },
  rejected: {
    means: "this message is refused",
    advice: "Read the other side's words, correct the contact, then replay it.",
  },
  unconfirmed: {
    means: "nobody can say whether it was sent",
    advice: "Ask the person, or look at the provider. A replay sends it, perhaps a second time.",
  },
  unknown_sender: {
    means: "the mapping holds strangers",
    advice: "Register who it is for the mapping's conversations: then it goes out by itself.",
  },
  failed_dmarc: {
    means: "the mail fails DMARC, and the mapping holds such",
    advice: "Read it, and ask the person by another way where you doubt. A replay posts it, with a line that says so.",
  },
  opted_out: {
    means: "the person is not to be written to, or the provider refuses for that",
    advice:
      "Nothing is to be done. A word such as START from the person lifts what they have said; an operator what was entered; HighLevel its DND.",
  },
  outside_window: {
    means: "nobody is to be written to by the mapping at this hour",
    advice: "It goes out by itself when its time has come. Another sendFrom or sendUntil of the mapping holds at once.",
  },
  daily_cap: {
    means: "the mapping has sent as many messages today as its dailyCap lets it",
    advice: "It goes out by itself on the next day, the longest waiting first. Another dailyCap holds at once.",
  },
  internal_error: {
    means: "our mistake",
    advice: "The log has a line delivery.broke: please report it. It is tried again, six times; then replay it.",
  },
};
