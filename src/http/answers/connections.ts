import { z } from "zod";
import { type FindingState, highlevelMessageTypes, type RefusalReason, weekdays } from "../../model.ts";
import { content } from "../operations/hide-content.ts";
import { failureReason, time, webhookSource } from "./words.ts";

const text = z.string().nullable();

export const authAnswer = z
  .enum(["token", "oauth", "agency"])
  .nullable()
  .describe(
    "Where its tokens come from: given by hand, its own install of the app, or its agency's; null: it has none.",
  );

const location = z.object({
  id: z.string(),
  name: text,
  auth: authAnswer,
  companyId: text,
  tokenExpiresAt: time.nullable(),
  paused: z
    .object({ reason: failureReason, since: time.nullable(), until: time.nullable(), detail: text })
    .nullable()
    .describe("Nothing goes to it, until then, or until its token is replaced. `since` is null where 0.2 paused it."),
  createdAt: time,
  updatedAt: time,
});
export const locationAnswer = location.meta({ id: "Location", description: "A sub-account of HighLevel." });
const callsLeftToday = z.int().describe("Of the calls that the bridge may make for it on a day of UTC.");
export const listedLocationAnswer = location
  .extend({
    callsLeftToday,
    waiting: z
      .object({ count: z.int(), isAll: z.boolean().describe("False where there are more.") })
      .describe("How many deliveries wait. Of a page 10,000 are counted at most, of each location alike many."),
  })
  .meta({ id: "ListedLocation" });
export const wholeLocationAnswer = location
  .extend({
    callsLeftToday,
    waiting: z.object({ count: z.int(), oldestAt: time.nullable() }).describe("10,000 are counted at most."),
  })
  .meta({ id: "WholeLocation" });

const finding = z
  .object({
    check: z.string().describe("What was looked at, in a word, such as `credentials`."),
    state: z.enum(["ok", "warning", "failure"] satisfies FindingState[]),
    detail: content(z.string().describe("What was found, also in the words of others.")),
    advice: z.string().optional().describe("What to do."),
  })
  .meta({ id: "Finding" });
const findings = z.array(finding).optional().describe("What is wrong with it; left out where nobody was asked.");

const check = z.object({
  state: finding.shape.state.describe("The worst of what was found."),
  checks: z.array(finding),
});
export const checkAnswer = check.meta({ id: "Check" });
export const firstStepsAnswer = check
  .extend({
    mayTry: z.boolean().describe("May this key start a trial by `POST /admin/trial`?"),
    sandboxUrl: z
      .string()
      .optional()
      .describe("Of a trial: the sandbox's inbox, and at `/phone` a number and a person."),
  })
  .meta({ id: "FirstSteps" });

const refusals: RefusalReason[] = [
  ...(["unsigned", "no_match", "stale", "other_url", "unverified", "misdirected"] as const),
  ...(["wrong_type", "too_large", "limited"] as const),
];
const refused = z
  .array(
    z.looseObject({
      source: webhookSource,
      reason: z.enum(refusals),
      count: z.int(),
      firstAt: time,
      lastAt: time,
    }),
  )
  .describe("What was turned away, by why: counted until none has come for a day.");

const account = z.object({
  id: z.uuid(),
  provider: z.string(),
  name: text,
  locationIds: z.array(z.string()),
  createdAt: time,
  updatedAt: time,
  webhookUrl: z.string(),
});
const mailbox = z.object({
  fetchedAt: time.nullable(),
  failingSince: time.nullable(),
  retryAt: time.nullable(),
  reason: failureReason.nullable(),
  detail: content(text),
});
export const accountAnswer = account.meta({ id: "Account", description: "What somebody has at a provider." });
export const changedAccountAnswer = account.extend({ checks: findings }).meta({ id: "ChangedAccount" });
export const wholeAccountAnswer = account.extend({ mailbox: mailbox.optional(), refused }).meta({ id: "WholeAccount" });

const mapping = z.object({
  id: z.uuid(),
  accountId: z.uuid(),
  locationId: z.string(),
  provider: z.string(),
  address: z.string(),
  name: text,
  conversationProviderId: text,
  type: z.enum(highlevelMessageTypes),
  callProviderId: text,
  unknownSender: z.enum(["create", "hold", "ignore"]),
  postAutomatic: z.boolean(),
  postLists: z.enum(["people", "all", "none"]),
  onUnknownOutcome: z.enum(["repost", "hold"]),
  isDefault: z.boolean(),
  userIds: z.array(z.string()).nullable(),
  stripQuoted: z.boolean(),
  replyTokens: z.boolean(),
  listUnsubscribe: z.boolean(),
  dmarcFailures: z.enum(["post", "mark", "hold"]),
  sendFrom: text.describe("From when people may be written to, as in 09:00; null for any time."),
  sendUntil: text,
  sendDays: z.array(z.enum(weekdays)).nullable(),
  timeZone: text,
  answerHours: z.int().nullable().describe("So long after a person has written an agent's answer passes."),
  dailyCap: z.int().nullable(),
  pausedAt: time.nullable().describe("Since when nothing of it is delivered, either way."),
  createdAt: time,
  updatedAt: time,
  webhookUrl: z.string(),
  deliveryUrl: z.string(),
});
export const mappingAnswer = mapping.meta({ id: "Mapping", description: "One number or mailbox of an account." });
const listedMapping = mapping.extend({
  lastInAt: time.nullable().describe("When a message came last, among its last 50; what was imported does not count."),
  lastOutAt: time.nullable().describe("When one was to be sent last, among those."),
  hasReceipts: z.boolean().describe("Do receipts tell what became of those?"),
  refusedLately: z
    .int()
    .describe(
      "How many webhooks were turned away at its delivery URL, and at its account's where the key reaches that, since there is a day without.",
    ),
  accountChangedAt: time.nullable().describe("Since when its credentials are the same, at least."),
});
export const listedMappingAnswer = listedMapping.meta({ id: "ListedMapping" });
export const changedMappingAnswer = mapping
  .extend({ checks: findings, replayed: z.int().optional().describe("So many failed webhooks are read again.") })
  .meta({ id: "ChangedMapping" });
export const wholeMappingAnswer = listedMapping.extend({ refused }).meta({ id: "WholeMapping" });

export const importAnswer = z.object({
  dryRun: z.boolean(),
  rows: z.int(),
  created: z.int(),
  updated: z.int(),
  replayed: z.int(),
});

const conversation = z.object({
  address: content(z.string()),
  contactId: text,
  conversationId: text,
  createdAt: time,
  updatedAt: time,
});
export const conversationAnswer = conversation.meta({
  id: "Conversation",
  description: "Who a sender is in HighLevel.",
});
export const registeredAnswer = conversation.extend({ replayed: z.int().describe("How many messages go out now.") });

const event = z.looseObject({
  outcome: z.enum(["ignored", "applied", "kept", "held", "posted"]),
  reason: content(z.string().optional()),
  request: z
    .object({ method: z.literal("POST"), path: z.string(), body: z.record(z.string(), z.unknown()) })
    .optional(),
});
export const previewAnswer = z
  .object({
    verified: z.boolean().describe("Would it have been accepted as it is?"),
    events: z.array(event),
  })
  .meta({ id: "Preview" });
