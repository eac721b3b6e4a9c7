import { z } from "zod";
import { conditions } from "../conditions.ts";
import { proof } from "../proof-recipes.ts";
import { path, valueSource } from "../values.ts";
import { credential, headerName, credentialName as name, words } from "./credential-form.ts";

/**
 * A provider as a document: what an adapter says in code, said in paths, tables of words and templates. It can hold no code,
 * no regular expression and no secret, and everything in it is bounded. docs/declared-providers.md explains it by examples.
 */

/** No built-in provider has such a name, today or in any later version. */
const providerName = z
  .string()
  .regex(/^x-[a-z0-9][a-z0-9-]{0,37}$/, "must be x- and up to 38 lower-case letters, digits and hyphens, as in x-acme");

const texts = z.strictObject({
  id: valueSource,
  from: valueSource,
  to: valueSource,
  cc: valueSource.optional(),
  text: valueSource.optional(),
  subject: valueSource.optional(),
  sentAt: valueSource.optional(),
  /** How `sentAt` is written. */
  timesAre: z.enum(["ISO 8601", "unix seconds", "unix milliseconds"]).default("ISO 8601"),
  /** Of each file: the paths go over the same list. */
  files: z
    .strictObject({
      url: valueSource,
      contentType: valueSource.optional(),
      name: valueSource.optional(),
      sizeBytes: valueSource.optional(),
    })
    .optional(),
  /** Who the person is elsewhere, as far as it is told: by it the contact of somebody is found whom a chat knows by an id. */
  contact: z
    .strictObject({
      ...{ id: valueSource.optional(), name: valueSource.optional() },
      ...{ phone: valueSource.optional(), email: valueSource.optional() },
    })
    .optional(),
  /** What the provider takes it for: its word, such as STOP, optout or START. */
  consent: valueSource.optional(),
  /** What the business sent elsewhere. */
  direction: z.literal("outbound").optional(),
});

const receipt = z.strictObject({
  id: valueSource,
  /** Where our reference is, if not in the callback's URL. */
  reference: valueSource.optional(),
  /** Of several, as in a group, each is a receipt. */
  status: valueSource,
  words: z
    .record(words(100), z.enum(["sent", "delivered", "read", "failed", "complained", "remarked"]))
    .refine((table) => Object.keys(table).length <= 200, "must have up to 200 words"),
  /** To whom, in the order of `status`. */
  recipient: valueSource.optional(),
  errorCode: valueSource.optional(),
  errorMessage: valueSource.optional(),
  /** Said where there is a code and no message: a template of {code}. */
  explanation: words(300).optional(),
});

const event = z
  .strictObject({
    when: conditions.refine((given) => Object.keys(given).length <= 10, "must have up to 10 conditions"),
    text: texts.optional(),
    receipt: receipt.optional(),
    /** Why it is not bridged: a template of paths. */
    ignored: words(300).optional(),
  })
  .refine((given) => [given.text, given.receipt, given.ignored].filter((each) => each !== undefined).length === 1, {
    message: "must have one of text, receipt and ignored",
  });

const settableHeader = headerName.refine(
  (header) => !unsettable.test(header),
  "is a header that the bridge sets by itself",
);
const unsettable =
  /^(host|connection|content-length|content-type|transfer-encoding|expect|upgrade|te|trailer|cookie)$|^proxy-/;

const auth = z
  .strictObject({
    bearer: name.optional(),
    basic: z.strictObject({ user: name, password: name }).optional(),
    header: z.strictObject({ name: settableHeader, prefix: z.string().max(40).default(""), key: name }).optional(),
    query: z.strictObject({ parameter: words(80), key: name }).optional(),
  })
  .refine((given) => Object.values(given).filter((each) => each !== undefined).length === 1, {
    message: "must have one of bearer, basic, header and query",
  });

/** How a refusal reads. Of several the first counts whose conditions are met, and whose code is there. */
const refusal = z.strictObject({
  when: conditions.optional(),
  code: valueSource,
  message: valueSource.optional(),
  /** Said where there is no message: a template of {code}. */
  explanation: words(300).optional(),
});
export type DeclaredRefusal = z.infer<typeof refusal>;

const sends = z.strictObject({
  method: z.enum(["POST", "PUT", "GET"]).default("POST"),
  url: words(500),
  /** Without it the fields say who we are. */
  auth: auth.optional(),
  headers: z.record(settableHeader, words(500)).optional(),
  encoding: z.enum(["json", "form", "query"]),
  fields: z.record(words(100), z.json()),
  taken: z.strictObject({ id: valueSource, when: conditions.optional() }),
  refused: z.union([refusal, z.array(refusal).min(1).max(5)]),
  refusals: z.record(words(100), z.enum(["opted_out", "misconfigured", "throttled"])).optional(),
  idempotent: z.literal(true).optional(),
});

const webhookSample = z.strictObject({
  about: words(300),
  request: z.strictObject({
    contentType: z.string().max(200).optional(),
    headers: z.record(z.string().max(100), z.string().max(2000)).optional(),
    /** What follows the webhook's URL, as `?message=42`. */
    query: z.string().max(500).optional(),
    body: z.union([z.string().max(20_000), z.json()]),
  }),
  /** The number of the mapping, where the account has one alone. */
  ownNumber: words(30).optional(),
  means: z.array(z.record(z.string(), z.json())).max(50),
});
export type WebhookSample = z.infer<typeof webhookSample>;

const sendSample = z.strictObject({
  about: words(300),
  message: z.strictObject({
    from: words(100),
    to: words(100),
    text: z.string().max(5000).optional(),
    subject: z.string().max(500).optional(),
    attachments: z.array(z.strictObject({ url: words(1000), name: words(200), contentType: words(100) })).default([]),
  }),
  /** Names of credentials that it has besides those that sending needs. */
  with: z.array(name).max(20).default([]),
  request: z.record(z.string(), z.json()),
  answer: z.strictObject({ status: z.number().int().min(200).max(599).default(200), body: z.json() }),
  /** What the bridge makes of that answer. */
  sent: z.strictObject({ providerMessageId: words(998) }).optional(),
  refused: z.strictObject({ code: words(100), message: words(2000) }).optional(),
});
export type SendSample = z.infer<typeof sendSample>;

const samples = z.strictObject({
  webhooks: z.array(webhookSample).min(1, "must have one at least").max(50),
  sends: z.array(sendSample).min(1, "must have one at least").max(50),
});

const contentType = z.enum(["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]);

const fields = {
  name: providerName,
  label: words(60),
  pasteAt: words(500),
  notes: z.array(words(500)).max(20).default([]),
  credentials: z
    .record(name, credential)
    .refine((given) => Object.keys(given).length <= 20, "must have up to 20 fields"),
  /** Texts by these services come with a prefix of the address, as in whatsapp:+15005550006, and go so. */
  services: z
    .array(z.enum(["whatsapp", "rcs"]))
    .max(2)
    .default([]),
  /** A chat, whose people and places are known by ids instead of numbers. */
  people: z.literal("ids").optional(),
  /** How phone numbers are written that have no plus: nationally, in this country, or with the country's code. */
  numbers: z
    .union(
      [z.literal("international"), z.strictObject({ country: z.string().regex(/^[A-Z]{2}$/) })],
      'must be "international" for numbers that lack nothing but the plus, or {"country": "US"} for national ones',
    )
    .optional(),
  receives: z.strictObject({
    contentTypes: z.array(contentType).min(1).max(3),
    proof,
    /** A list whose items are read one by one, as `results[]`. */
    batch: path.refine((given) => given.endsWith("[]"), "must lead to a list, as results[]").optional(),
    /** Where the event's name stands: for the reason of what fits none of the events. */
    eventName: path.optional(),
    /** The first whose conditions are met counts. */
    events: z.array(event).min(1).max(50),
    acknowledgement: z
      .strictObject({
        status: z.number().int().min(200).max(299).default(200),
        contentType: z.enum(["text/plain", "text/xml", "application/json"]),
        body: z.string().max(1000),
      })
      .optional(),
  }),
  sends,
};

/** A document that is tried out: it may lack samples yet. */
export const draftForm = z.strictObject({ ...fields, samples: samples.partial().optional() });
/** A document that is saved. */
export const documentForm = z.strictObject({ ...fields, samples });

export type ProviderDocument = z.infer<typeof draftForm>;
export type SavedDocument = z.infer<typeof documentForm>;
export type DeclaredEvent = z.infer<typeof event>;
export type DeclaredText = z.infer<typeof texts>;
export type DeclaredReceipt = z.infer<typeof receipt>;
export type DeclaredSends = z.infer<typeof sends>;
