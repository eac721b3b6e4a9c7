import type { AccessTokens } from "../../access/access-tokens.ts";
import { Failure } from "../../errors.ts";
import { isChatId } from "../../formats/address.ts";
import type { Highlevel } from "../../highlevel/client.ts";
import type { Mapping, Mappings } from "../../registry/mappings.ts";
import { listUnknownPeople } from "../../store/imports/import-rows.ts";
import { changeImport, lockImport, noteImportStep } from "../../store/imports/imports.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Import } from "../../store/schema.ts";

export interface MatchContext {
  db: Db;
  mappings: Pick<Mappings, "get">;
  accessTokens: Pick<AccessTokens, "get" | "renew">;
  highlevel: Pick<Highlevel, "findContact">;
  /** The longest that one look-up may take. */
  attemptSeconds: number;
}

/** Of a step. Each is a call of those that others leave. */
const peopleAtOnce = 20;
/** When HighLevel is asked again that did not answer, or refused. */
const retrySeconds = 60;

/**
 * Asks HighLevel which of the next people of a dry run it knows, as they are found before a message of theirs is posted, and keeps what
 * it has said with the place of the next ones. It changes nothing there. Where it does not say, it is asked again in a while, and the import tells why.
 */
export async function matchPeople(context: MatchContext, due: Import): Promise<void> {
  const { db, mappings } = context;
  const { id, mappingId, cursor } = due;
  const people = await listUnknownPeople(db, { id, mappingId, after: cursor, limit: peopleAtOnce });
  const counts = { matchedPeople: 0, newPeople: 0 };
  let [asked, failure]: [string | null, Failure | undefined] = [cursor, undefined];
  try {
    const mapping = await mappings.get(mappingId);
    if (!mapping) throw new Failure("misconfigured", "its mapping is gone");
    for (const person of people) {
      counts[(await isContact(context, mapping, person)) ? "matchedPeople" : "newPeople"]++;
      asked = person;
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    failure = error;
  }
  await db.transaction(async (tx) => {
    if (!(await lockImport(tx, due))) return;
    const isLast = !failure && people.length < peopleAtOnce;
    const when = failure ? whenAgain(failure) : { reason: null };
    await noteImportStep(tx, id, { counts, cursor: asked, stage: isLast ? "posting" : "matching", ...when });
    if (isLast) await endDryRun(tx, id, due.newPeople + counts.newPeople);
  });
}

/** It waits for somebody's word, who is told how many contacts would be made. */
export async function endDryRun(tx: Db, id: number, newPeople: number): Promise<void> {
  const would = newPeople === 0 ? "" : `contacts of ${newPeople} of its people would be made, and `;
  await changeImport(tx, id, { state: "paused", reason: `a dry run: ${would}nothing is posted until it is resumed` });
}

/** That others take what there is of a limit is no news. */
function whenAgain({ reason, message, retryAfterSeconds }: Failure) {
  if (reason === "own_limit" || reason === "throttled")
    return { reason: null, inSeconds: Math.min(retryAfterSeconds ?? 1, retrySeconds) };
  return { reason: `HighLevel was asked who of the people it knows: ${message}`, inSeconds: retrySeconds };
}

/** A token that HighLevel refuses is renewed, and used once. */
async function isContact(context: MatchContext, mapping: Mapping, person: string, isRenewed = false): Promise<boolean> {
  const { accessTokens, highlevel, attemptSeconds } = context;
  const { channel, locationId } = mapping;
  // Somebody whom a chat knows by an id has no address to be found by.
  if (isChatId(person)) return false;
  const used = await accessTokens.get(locationId);
  if (!used) throw new Failure("unauthorized", "the location has no token: connect it again");
  const signal = AbortSignal.timeout(attemptSeconds * 1000);
  const access = { locationId, token: used.token, signal, isBehind: true } as const;
  try {
    return (
      (await highlevel.findContact(access, channel === "sms" ? { phone: person } : { email: person })) !== undefined
    );
  } catch (error) {
    const isRefused = error instanceof Failure && error.reason === "unauthorized" && !isRenewed;
    if (!isRefused || (await accessTokens.renew(locationId, used.version)) !== "renewed") throw error;
    return isContact(context, mapping, person, true);
  }
}
