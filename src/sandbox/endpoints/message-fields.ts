import { z } from "zod";
import { refuse } from "../api-error.ts";
import type { State } from "../state.ts";

/** What the bodies of several calls have in common. */

export const optional = z.string().optional();
export const list = z.array(z.string()).optional();

/** HighLevel's files allow an empty list; it was seen to refuse one. */
export const attachments = z.array(z.url()).min(1).optional();
export const date = z.iso.datetime({ offset: true }).optional();

const callStatuses = [
  ...["pending", "completed", "answered", "busy", "no-answer", "failed", "canceled", "voicemail"],
] as const;
/** `CallDataDTO` */
export const callData = z.strictObject({ to: optional, from: optional, status: z.enum(callStatuses).optional() });

export function requireTakenUrls({ settings }: State, urls: string[] = []): void {
  if (settings.takesUrlsWithQuery || !urls.some((url) => new URL(url).search !== "")) return;
  throw refuse.validation(["each value in attachments must be a URL address"]);
}
