import { sql } from "drizzle-orm";
import { createProcessing, type ProcessContext } from "../../src/inbox/process-webhooks.ts";
import type { DeliverContext } from "../../src/outbox/attempt-delivery.ts";
import { type ClaimedLane, claimDueLanes, offerPlaces, takeLeased } from "../../src/outbox/claim-due-lanes.ts";
import { deliverLane } from "../../src/outbox/deliver-lane.ts";
import { createPlaces } from "../../src/outbox/places.ts";
import { text } from "../../src/providers/kit/events.ts";
import { createAccounts } from "../../src/registry/accounts.ts";
import { createEndpoints } from "../../src/registry/endpoints/endpoint-target.ts";
import { createListeners } from "../../src/registry/endpoints/listeners.ts";
import { createMappings } from "../../src/registry/mappings.ts";
import { changeMapping } from "../../src/registry/register-mapping.ts";
import { createSealer } from "../../src/secrets/seal.ts";
import { createRecorder } from "../../src/store/attempts.ts";
import { pauseLocation, putLocation } from "../../src/store/locations.ts";
import { discardDeliveries, replayDeliveries } from "../../src/store/operate/mend/replay-deliveries.ts";
import { type Db, selectRows } from "../../src/store/postgres/database.ts";
import type { MappingRow } from "../../src/store/schema.ts";
import { resumeLocation } from "../../src/store/trouble/paused-locations.ts";
import { insertWebhooks } from "../../src/store/webhooks.ts";
import { insertMapping } from "../support/insert-mapping.ts";
import { type Answer, createModelHighlevel } from "./highlevel.ts";
import { createModel, Misdeed } from "./model.ts";
import { type Step, size } from "./program.ts";

const sealer = createSealer([Buffer.alloc(32, 1)]);
const unused = () => Promise.reject(new Error("is not called here"));
const dead = { kinds: ["post-inbound" as const], limit: 1000 };
let worlds = 0;

/** A lane that is delivered. */
interface Run {
  claimed: ClaimedLane;
  done: Promise<unknown>;
  /** Called when it waits for an answer: with what gives it, or with nothing where none will come. */
  onHang(answer: (() => void) | undefined): void;
}

/** A process: what it holds, and what it waits for. */
interface Worker {
  claimed: ClaimedLane[];
  hanging: { run: Run; answer: () => void }[];
}

/** The bridge's own inbox and outbox over a database, with places of their own in it; the model beside them. */
export async function createWorld(db: Db) {
  const world = ++worlds;
  const model = createModel();
  const misdeeds: string[] = [];
  const highlevel = createModelHighlevel((post, answer) => {
    try {
      model.judge(post, answer);
    } catch (error) {
      misdeeds.push(error instanceof Misdeed ? error.message : String(error));
    }
  });
  const locations = Array.from({ length: size.locations }, (_, index) => `location ${world}.${index}`);
  for (const id of locations) await putLocation(db, { id, sealedToken: "sealed" });
  const mappings: MappingRow[] = [];
  for (let number = 0; number < size.numbers; number++) mappings.push(await addMapping(number));
  const workers = Array.from({ length: size.workers }, (): Worker => ({ claimed: [], hanging: [] }));
  const context = contextOf(db);
  const process = createProcessing(context);

  function addMapping(number: number): Promise<MappingRow> {
    const address = `+1500555${String(world).padStart(3, "0").slice(-3)}${number}`;
    const settings = { unknownSender: "create" as const, postAutomatic: false, type: "Custom" as const };
    return insertMapping(db, {
      ...{ provider: "generic-sms", locationId: locations[0] as string, address, conversationProviderId: "p" },
      ...settings,
    });
  }

  async function receive({ number, person, ids }: Extract<Step, { what: "receive" }>): Promise<void> {
    const rows = ids.map((id) => {
      const { id: mappingId, accountId, address: to, locationId } = mappings[number] as MappingRow;
      const from = `+1500556000${person}`;
      const altId = `${world} ${number} ${person} ${id}`;
      const conversationId = `conversation of ${locationId} ${from}`;
      model.receive({ altId, locationId, conversationId, line: `${mappingId} ${person}` });
      const body = Buffer.from(JSON.stringify({ id: altId, from, to: [to], text: altId }));
      return { accountId, source: "provider" as const, url: "https://bridge.example.com", headers: {}, body };
    });
    await insertWebhooks(db, rows);
  }

  async function processFor(worker: Worker, places: number): Promise<boolean> {
    const offer = offerPlaces(context, places);
    const processed = await process("accounts", offer);
    worker.claimed.push(...(await takeLeased(context, offer, processed ?? nothingLeased)));
    return processed !== undefined;
  }

  async function claim(worker: Worker, places: number): Promise<void> {
    worker.claimed.push(...(await claimDueLanes(context, createPlaces(places).now())));
  }

  async function deliver(worker: Worker, script: Answer[]): Promise<void> {
    const claimed = worker.claimed.shift();
    if (!claimed) return;
    const left = [...script];
    const run: Run = { claimed, done: Promise.resolve(), onHang: () => undefined };
    const caller = highlevel.calledBy({ next: () => left.shift() ?? "taken", onHang: (answer) => run.onHang(answer) });
    await goOn(worker, run, () => {
      run.done = deliverLane({ ...context, highlevel: caller }, claimed, () => false);
    });
  }

  /** Until it is done, or waits for an answer, which may not be its first wait. `false` where the process dies over it. */
  async function goOn(worker: Worker, run: Run, go: () => void): Promise<boolean> {
    const hung = new Promise<{ answer: (() => void) | undefined }>((resolve) => {
      run.onHang = (answer) => resolve({ answer });
    });
    go();
    const ended = await Promise.race([run.done.then(() => undefined), hung]);
    if (ended?.answer) worker.hanging.push({ run, answer: ended.answer });
    else if (ended) kill(worker);
    return !ended || ended.answer !== undefined;
  }

  function kill(worker: Worker): void {
    worker.claimed = [];
    worker.hanging = [];
  }

  async function answer(worker: Worker): Promise<void> {
    for (const { run, answer: give } of worker.hanging.splice(0)) {
      // The others' answers come to nobody then.
      if (!(await goOn(worker, run, give))) return;
    }
  }

  /** For PostgreSQL and for those who hold them, who go by their own clock. */
  async function endLeases(): Promise<void> {
    await db.execute(sql`update lanes set due_at = now() where lease_token is not null`);
    for (const { claimed, hanging } of workers) {
      for (const lane of [...claimed, ...hanging.map(({ run }) => run.claimed)])
        lane.heldUntilMs = performance.now() - 1;
    }
  }

  async function passTime(): Promise<void> {
    await db.execute(sql`update lanes set due_at = now() where due_at is not null and lease_token is null`);
    await db.execute(sql`update deliveries set retry_at = now() where retry_at is not null`);
  }

  async function move(number: number): Promise<void> {
    const mapping = mappings[number] as MappingRow;
    const locationId = locations[(locations.indexOf(mapping.locationId) + 1) % locations.length] as string;
    mappings[number] = (await changeMapping({ db, sealer }, mapping, { locationId })).mapping;
    // What comes within the same millisecond is the old location's.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }

  const workerOf = (index: number) => workers[index] as Worker;
  const locationOf = (index: number) => locations[index] as string;
  const steps: { [What in Step["what"]]: (step: Extract<Step, { what: What }>) => Promise<unknown> } = {
    receive,
    process: ({ worker, places }) => processFor(workerOf(worker), places),
    claim: ({ worker, places }) => claim(workerOf(worker), places),
    deliver: ({ worker, answers }) => deliver(workerOf(worker), answers),
    answer: ({ worker }) => answer(workerOf(worker)),
    kill: async ({ worker }) => kill(workerOf(worker)),
    "leases end": endLeases,
    "time passes": passTime,
    replay: () => db.transaction((tx) => replayDeliveries(tx, { ...dead, locationIds: locations })),
    discard: () => db.transaction((tx) => discardDeliveries(tx, { ...dead, locationIds: locations }, "enough")),
    pause: ({ location }) =>
      pauseLocation(db, {
        locationId: locationOf(location),
        tokenVersion: 1,
        reason: "unauthorized",
        detail: "paused",
      }),
    resume: ({ location }) => resumeLocation(db, locationOf(location)),
    move: ({ number }) => move(number),
  };

  /** Everybody comes back, and everything is answered well. */
  async function settle(): Promise<void> {
    for (const worker of workers) kill(worker);
    for (const id of locations) await resumeLocation(db, id);
    const [last] = workers as [Worker];
    for (let round = 0; round < 100; round++) {
      await endLeases();
      await passTime();
      const hasProcessed = await processFor(last, 0);
      await claim(last, 16);
      if (!hasProcessed && last.claimed.length === 0) return;
      while (last.claimed.length > 0) await deliver(last, []);
    }
    misdeeds.push("it never comes to rest");
  }

  return {
    async run(step: Step): Promise<void> {
      await (steps[step.what] as (step: Step) => Promise<unknown>)(step);
      if (misdeeds.length > 0) throw new Misdeed(misdeeds.join("; "));
    },
    /** Throws a Misdeed where something is lost, doubled, out of order or misplaced, or is not at rest in the end. */
    async end(): Promise<void> {
      await settle();
      misdeeds.push(...model.owed().map((altId) => `${altId} is lost`), ...(await findUnrest(db, locations)));
      if (misdeeds.length > 0) throw new Misdeed(misdeeds.join("; "));
    },
  };
}

const nothingLeased = { leased: [], leasedAtMs: 0 };

/** What is not as it must be when all is done. */
async function findUnrest(db: Db, locations: string[]): Promise<string[]> {
  const rows = await selectRows<{ what: string }>(
    db,
    sql`
      select 'a delivery is ' || state as what from deliveries join conversations on conversations.id = conversation_id
      where location_id in ${locations} and state = 'pending'
      union all
      select 'a lane is held or due' from lanes
      where location_id in ${locations} and (lease_token is not null or due_at is not null)
      union all
      select 'a webhook is ' || state from webhooks where state in ('received', 'failed')`,
  );
  return rows.map(({ what }) => what);
}

function contextOf(db: Db): DeliverContext & ProcessContext {
  return {
    db,
    log: () => undefined,
    highlevel: createModelHighlevel(() => undefined).calledBy({ next: () => "taken", onHang: () => undefined }),
    mappings: createMappings({ db, sealer }),
    accessTokens: {
      get: async () => ({ token: "token", version: 1 }),
      forget: () => undefined,
      renew: async () => "impossible",
    },
    reading: {
      parse: async (_provider, { body }) => ({ events: [text(JSON.parse(body.toString("utf8")))], nonce: undefined }),
      openFiles: unused,
      stop: unused,
    },
    plainText: { of: unused },
    endpoints: createEndpoints({ db, sealer }),
    listeners: createListeners(db),
    ...{ callEndpoint: unused, callProvider: unused, fetchMedia: unused, fetchPublic: unused, applyInstall: unused },
    ...{ accounts: createAccounts({ db, sealer }), fetchWhole: unused, mailLimitBytes: 0 },
    publicUrl: "https://bridge.example.com",
    emailSecret: Buffer.alloc(32),
    ...{ attachmentLimitBytes: 0, emailAttachmentsLimitBytes: 0, attemptSeconds: 30, visibleAfterSeconds: 0 },
    record: createRecorder(db),
    retry: { retryHours: 1000, sendRetryHours: 1000, firstDelaySeconds: 1, random: () => 0 },
  };
}
