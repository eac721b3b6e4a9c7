export type Tone = "ok" | "busy" | "bad" | "quiet";

/** A state is a word and a colour: of messages, deliveries and webhooks. */
const tones: Record<string, Tone> = {
  ...{ delivered: "ok", read: "ok", received: "ok", processed: "ok" },
  ...{ queued: "busy", sent: "busy", pending: "busy" },
  ...{ failed: "bad", complained: "bad", dead: "bad" },
};

export const toneOf = (state: string): Tone => tones[state] ?? "quiet";
