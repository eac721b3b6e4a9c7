import { z } from "zod";
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

/** One line of the timeline. */
export interface Moment {
  at: string;
  what: string;
}

const maxText = 500;

export function sayStory(session: Session, told: Story): void {
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
  for (const { at, what } of timelineOf(told)) {
    const waited = before === undefined ? 0 : Date.parse(at) - Date.parse(before);
    say(session, `${showTime(at)}  ${(waited < 1 ? "" : `+${showDuration(waited)}`).padStart(8)}  ${what}`);
    before = at;
  }
  for (const each of told.deliveries) sayNext(session, each);
}

/** Everything that happened to it, in its order. */
function timelineOf(told: Story): Moment[] {
  const webhooks = told.webhooks.map(({ id, state, reason, receivedAt }) => ({
    at: receivedAt,
    what: `webhook ${id} came, and is ${state}${reason === null ? "" : `: ${reason}`}`,
  }));
  const sent = told.sentAt === null ? [] : [{ at: told.sentAt, what: "sent, as the provider says" }];
  const arrived = webhooks.length > 0 ? [] : [{ at: told.receivedAt, what: "received" }];
  return [...sent, ...arrived, ...webhooks, ...told.deliveries.flatMap(momentsOf)].sort(
    (a, b) => Date.parse(a.at) - Date.parse(b.at),
  );
}

function momentsOf(owed: Delivery): Moment[] {
  const { id, kind, state, attemptLog, finishedAt, replayedAt, note } = owed;
  const attempts = attemptLog.map(({ startedAt, durationMs, outcome, status, detail }, index) => {
    const isOpen = kind === "post-inbound" && unseen.has(attemptLog[index - 1]?.outcome ?? "");
    const looks = isOpen ? ", after a look whether it was there" : "";
    const answer = [outcome, status, `in ${showDuration(durationMs)}`].filter((part) => part !== null).join(" ");
    return { at: startedAt, what: `${kind}: attempt ${index + 1}${looks}: ${answer}${detail ? `: ${detail}` : ""}` };
  });
  const ends = finishedAt !== null && state !== "delivered";
  return [
    { at: owed.createdAt, what: `${kind}: owed, as delivery ${id}` },
    ...(replayedAt === null ? [] : [{ at: replayedAt, what: `${kind}: replayed` }]),
    ...attempts,
    ...(ends ? [{ at: finishedAt, what: `${kind}: ${state}${note ? `: ${note}` : ""}` }] : []),
  ];
}

/** After these HighLevel may have carried out the call: the next attempt looks before it posts. */
const unseen = new Set(["outcome_unknown", "unavailable", "server_error", "invalid_answer", "internal_error"]);

/** What it waits for, and what to do. */
export function sayNext(session: Session, owed: Delivery): void {
  const { id, kind, state, reason } = owed;
  if (state === "pending") {
    const when = owed.retryAt && Date.parse(owed.retryAt) > Date.now() ? `, not before ${showTime(owed.retryAt)}` : "";
    say(session);
    say(session, `${kind} waits${reason === null ? " in line" : `, as it was ${reason}`}${when}.`);
  }
  if (state !== "dead" || reason === null) return;
  say(session);
  say(session, `${kind} is dead, as it was ${reason}${owed.detail ? `: ${owed.detail}` : ""}`);
  say(session, `  ${adviceFor(reason)}`);
  say(session, `  bridge replay --delivery ${id}`);
}
