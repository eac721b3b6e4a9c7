import { DatabaseError } from "pg";
import { expect, test } from "vitest";
import { type AttemptSubject, attemptOnce } from "../../src/outbox/attempt-once.ts";
import { deliveryKinds } from "../../src/outbox/delivery-kinds.ts";

/** What PostgreSQL says to a connection that an administrator, or a restart, ends. */
const cut = Object.assign(new DatabaseError("terminating connection due to administrator command", 1, "error"), {
  code: "57P01",
});
const subject = {
  ...{ kind: "post-inbound", locationId: "loc", isOutcomeUnknown: false },
  ...{ message: { id: 1, mappingId: "m" }, conversation: { mappingId: "m" } },
} as unknown as AttemptSubject;

async function attempt(mappings: { get(id: string): Promise<unknown> }, given: Partial<AttemptSubject> = {}) {
  const context = { log: () => undefined, attemptSeconds: 5, accessTokens: { get: async () => undefined }, mappings };
  return attemptOnce(context as unknown as Parameters<typeof attemptOnce>[0], { ...subject, ...given });
}

test("a database that is away before anything was called is no mistake of ours: it is tried again as long as it lasts", async () => {
  const get = async () => {
    throw new Error("Failed query", { cause: cut });
  };
  expect(await attempt({ get })).toMatchObject({ failure: { reason: "unavailable" }, isOutcomeUnknown: false });
  const earlier = await attempt({ get }, { isOutcomeUnknown: true });
  expect(earlier).toMatchObject({ failure: { reason: "unavailable" }, isOutcomeUnknown: true });
});

test("one that goes away while HighLevel is called leaves the outcome open", async () => {
  const { attempt: original } = deliveryKinds["post-inbound"];
  try {
    deliveryKinds["post-inbound"].attempt = async (_context, input) => {
      input.beforeCall();
      throw cut;
    };
    const outcome = await attempt({ get: async () => undefined });
    expect(outcome).toMatchObject({ failure: { reason: "outcome_unknown" }, isOutcomeUnknown: true });
  } finally {
    deliveryKinds["post-inbound"].attempt = original;
  }
});

test("a mistake of ours is one", async () => {
  const get = async () => {
    throw new TypeError("x is not a function");
  };
  expect(await attempt({ get })).toMatchObject({ failure: { reason: "internal_error" } });
});
