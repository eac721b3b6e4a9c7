import { z } from "zod";
import { isWindowReason } from "../../errors.ts";
import { say, sayFields, showDuration, showTime } from "../print.ts";
import type { Session } from "../session.ts";
import { adviceFor } from "./findings.ts";

const attempt = z.looseObject({
  startedAt: z.string(),
  durationMs: z.number(),
  outcome: z.string(),
  status: z.number().nullable(),
  detail: z.string().nullable(),
});
const delivery = z.looseObject({
  id: z.number(),
  kind: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
  detail: z.string().nullable(),
  note: z.string().nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
  replayedAt: z.string().nullable(),
  retryAt: z.string().nullable(),
  mayHaveHappened: z.boolean(),
  attemptLog: z.array(attempt),
});
type Delivery = z.output<typeof delivery>;

const content = z.looseObject({
  subject: z.string().optional(),
  text: z.string().optional(),
  attachments: z.array(z.looseObject({ filename: z.string().optional(), refusal: z.string().optional() })).default([]),
});

/** The parts of a message that are shown wherever it stands. */
export const message = z.looseObject({
  id: z.number(),
  direction: z.string(),
  state: z.string(),
  address: z.string(),
  locationId: z.string(),
  mappingId: z.string().nullable(),
  receivedAt: z.string(),
});

/** And those of its whole story. */
export const story = message.extend({
  automatic: z.string().nullable(),
  error: z.unknown(),
  providerMessageId: z.string().nullable(),
  highlevelMessageId: z.string().nullable(),
  highlevelEmailMessageId: z.string().nullable(),
  sentAt: z.string().nullable(),
  content: content.nullable(),
  webhooks: z.array(
    z.looseObject({ id: z.number(), state: z.string(), reason: z.string().nullable(), receivedAt: z.string() }),
  ),
  deliveries: z.array(delivery),
});
export type Story = z.output<typeof story>;

const timeline = z.looseObject({
  steps: z.array(
    z.looseObject({
      kind: z.string(),
      at: z.string().nullable(),
      what: z.string(),
      said: z.string().nullable(),
      means: z.string().nullable(),
    }),
  ),
});

const maxText = 500;

export async function sayStory(session: Session, told: Story): Promise<void> {
  const { steps } = timeline.parse(await session.bridge().get(`/admin/messages/${told.id}/story`));
  const { id, address, direction, content: said } = told;
  say(session, `Message ${id}, ${direction}, ${direction === "inbound" ? "from" : "to"} ${address}: ${told.state}`);
  sayFields(session, {
    location: told.locationId,
    mapping: told.mappingId,
    "provider's id": told.providerMessageId,
    "HighLevel's id": told.highlevelEmailMessageId ?? told.highlevelMessageId,
    automatic: told.automatic,
    error: told.error,
    subject: said?.subject,
    text: said ? said.text?.slice(0, maxText) : "deleted after the retention time",
    files: said?.attachments
      .map(({ filename = "a file", refusal }) => (refusal ? `${filename} (${refusal})` : filename))
      .join(", "),
  });
  say(session);
  let before: string | undefined;
  for (const { at, what, said: words } of steps.filter(({ kind }) => kind !== "wait")) {
    const waited = before === undefined || at === null ? 0 : Date.parse(at) - Date.parse(before);
    const when = `${showTime(at).padEnd(19)}  ${(waited < 1 ? "" : `+${showDuration(waited)}`).padStart(8)}`;
    say(session, `${when}  ${what}${words === null ? "" : `: ${words}`}`);
    before = at ?? before;
  }
  for (const each of told.deliveries.filter(({ state }) => state === "dead")) sayNext(session, each);
}

/** What it waits for, and what to do. */
export function sayNext(session: Session, owed: Delivery): void {
  const { id, kind, state, reason } = owed;
  if (state === "pending") {
    const when = owed.retryAt && Date.parse(owed.retryAt) > Date.now() ? `, not before ${showTime(owed.retryAt)}` : "";
    say(session);
    const why = isWindowReason(reason) ? ` for its time (${reason})` : `, as it was ${reason}`;
    say(session, `${kind} waits${reason === null ? " in line" : why}${when}.`);
  }
  if (state !== "dead" || reason === null) return;
  say(session);
  say(session, `${kind} is dead, as it was ${reason}${owed.detail ? `: ${owed.detail}` : ""}`);
  say(session, `  ${adviceFor(reason)}`);
  say(session, `  bridge replay --delivery ${id}`);
}
