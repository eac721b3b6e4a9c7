import { z } from "zod";
import { keyAccesses } from "../../model.ts";
import { failureReason, rowId, time } from "./words.ts";

const text = z.string().nullable();
const count = z.int().nonnegative();

const key = z.object({
  id: rowId,
  name: z.string(),
  locationIds: z.array(z.string()).nullable().describe("Those that it reaches; null for all."),
  access: z.enum(keyAccesses),
  createdAt: time,
  lastUsedAt: time.nullable(),
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
});
export const eventStreamAnswer = z.string().meta({
  description:
    "Server-sent events. `data` is JSON: `what`, `at`, and as far as it has them `messageId`, `webhookId`, `deliveryId`, `accountId`, `mappingId`, `locationId`, `provider`, `kind`, `reason`, `status`, `durationMs`, `direction`, `state`, `address`. An event `missed` has the number of those that were too many.",
});

export const keyAnswer = key.meta({ id: "Key", description: "An integrator's key, without the key itself." });
export const newKeyAnswer = key.extend({ key: z.string() }).meta({ id: "NewKey" });

export const holdAnswer = z
  .object({
    isHeld: z.boolean(),
    since: time.optional(),
    startedBy: z.string().optional(),
    waiting: count.describe("How many wait, of the oldest 10,000 deliveries."),
  })
  .meta({ id: "Hold" });

export const appAnswer = z
  .object({
    clientId: text,
    from: z.enum(["environment", "console"]).nullable().describe("Where it was set; null: there is none."),
    hasSharedSecret: z.boolean(),
  })
  .meta({ id: "App", description: "The app in HighLevel's marketplace." });

export const trialAnswer = z
  .object({
    consoleUrl: z.string().describe("Signs in at its console, once and within 15 minutes."),
    sandboxUrl: z.string().describe("The inbox of an agent; at `/phone` a number at Twilio and a person's telephone."),
  })
  .meta({ id: "Trial" });

export const auditAnswer = z
  .object({
    id: rowId,
    at: time,
    who: z.string().describe("`admin`, or a key, such as `key 7`."),
    method: z.string(),
    route: text.describe("Its pattern; null where no route fits."),
    status: z.int(),
    isAnswered: z.boolean().describe("False where the caller hung up before."),
    ids: z.record(z.string(), z.union([z.string(), z.number()])).describe("What it was about."),
  })
  .meta({ id: "AuditEntry" });

export const providerAnswer = z
  .object({
    name: z.string(),
    document: z.record(z.string(), z.unknown()),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: "Provider", description: "A provider that is declared by a document." });
export const providerPreviewAnswer = z.object({
  verified: z.boolean().optional().describe("Would it be accepted with these credentials?"),
  events: z.array(z.record(z.string(), z.unknown())).optional(),
  failure: z.string().optional(),
  items: z.array(z.object({ event: z.string(), notBecause: z.array(z.string()) })),
});

const byReason = z.array(z.object({ reason: failureReason.nullable(), count }));
const waiting = z.object({ reason: z.string(), provider: z.string(), count, oldestSeconds: z.number() });
const standing = z.object({
  pending: z.array(z.object({ kind: z.string(), count, oldestSeconds: z.number() })),
  dead: byReason,
  failedWebhooks: count,
  receivedWebhooks: count,
  paused: byReason,
  pausedLocations: z.array(
    z.object({ id: z.string(), pausedReason: failureReason.nullable(), pausedUntil: time.nullable() }),
  ),
  failingMailboxes: byReason,
  pausedMappings: count,
  waiting: z.array(waiting),
  sendsHeldSince: time.optional(),
  behindSeconds: z.number(),
  budgets: z.object({ tightest: z.array(z.looseObject({ locationId: z.string(), dayUsed: count })), dayUsed: count }),
});
export const statusAnswer = z
  .object({
    version: z.string(),
    node: z.string(),
    startedAt: time,
    database: z.object({
      version: z.string(),
      migrations: count,
      lastMigrationAt: z.string().nullable(),
      isPooled: z.boolean(),
    }),
    settings: z.record(z.string(), z.string()).describe("Of secrets, whether they are set."),
    encryptionKeys: z.array(z.object({ keyId: z.string(), seals: z.boolean(), sealedValues: count })),
    keys: z.array(keyAnswer),
    standing,
  })
  .meta({ id: "Status" });
