import { z } from "zod";

/** Where HighLevel is published or was seen in more than one way. */
const settings = z.strictObject({
  /** The list of a conversation's messages: within `messages`, as it is seen, or by itself, as it is published. */
  messageList: z.enum(["nested", "flat"]),
  /** The ids of a thread's emails: `meta.email.messageIds`, or `meta.email.email.messageIds`. Both are published. */
  emailMeta: z.enum(["plain", "nested"]),
  /** An email that is read by its id: by itself, as it is published, or within one of these. */
  email: z.enum(["plain", "message", "emailMessage", "email"]),
  /** Whether messages are shown with their `altId`, as HighLevel does for some kinds and does not promise. */
  showsAltIds: z.boolean(),
  /** Whether the URL of a file may have a query. HighLevel refused such for years, and still may. */
  takesUrlsWithQuery: z.boolean(),
});
export type SandboxSettings = z.infer<typeof settings>;
/** What is not given stays as it was. */
export const settingsChange = settings.partial();

export const defaultSettings: SandboxSettings = {
  messageList: "nested",
  emailMeta: "plain",
  email: "plain",
  showsAltIds: true,
  takesUrlsWithQuery: true,
};
