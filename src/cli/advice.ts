/** What to do about a delivery that was given up, by its reason; the same as docs/operate.md says. */

const toPeople = new Set(["send-outbound", "send-through-highlevel"]);

const advice: Record<string, string> = {
  unreachable: "Nobody answered. When the other side is back, replay it.",
  outcome_unknown: "No whole answer came. Look there whether it arrived before you replay it.",
  throttled: "The other side took no more. Replay it when it does.",
  own_limit: "A limit that is set here was used up. Raise it, or replay it later.",
  unavailable: "The other side was not able to. When it is, replay it.",
  server_error: "The other side broke over it. Ask it why, then replay it.",
  invalid_answer: "Its answer made no sense. Look there whether it arrived before you replay it.",
  unauthorized: "The token does not work. bridge locations reconnect <id>, then replay it.",
  needs_reauthorization: "The location must be connected again. bridge locations reconnect <id>, then replay it.",
  misconfigured: "A setting is wrong. bridge mappings check <id> says which; correct it, then replay it.",
  rejected: "This message is refused. Read why, correct the contact or the number, then replay it.",
  not_visible: "HighLevel did not show its own new message. Replay it.",
  unconfirmed: "Nobody can say whether it was sent. A replay sends it, perhaps a second time.",
  unknown_sender: "The mapping holds strangers. Register who it is, and it goes out by itself.",
  opted_out: "The person is not to be written to. Nothing is to be done.",
  internal_error: "A mistake of the bridge. Its log has a line delivery.broke; please report it, then replay it.",
};

const ofPeople: Record<string, string> = {
  rejected: "The agent sees it as failed, with the provider's words. A replay sends it again.",
  misconfigured:
    "The agent sees it as failed. bridge mappings check <id> says what is wrong; correct it, then replay it.",
};

export const adviceFor = (kind: string, reason: string): string =>
  (toPeople.has(kind) ? ofPeople[reason] : undefined) ?? advice[reason] ?? "Read why, correct it, then replay it.";

/** The same of a webhook that was verified and not understood. */
export const adviceForWebhook = (reason: string): string =>
  /no mapping for/.test(reason)
    ? "No mapping has that number or mailbox. bridge mappings add makes one, then replay it."
    : "It could not be read. Correct what the reason names, or have a version that reads it, then replay it.";
