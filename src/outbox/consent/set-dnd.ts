import { Failure } from "../../errors.ts";
import { isChatId } from "../../formats/address.ts";
import type { Access } from "../../highlevel/call.ts";
import type { Highlevel } from "../../highlevel/client.ts";
import { type DndEntry, ourDndCodes } from "../../highlevel/contacts.ts";
import { goneThing } from "../../highlevel/refusals.ts";
import { admit } from "../../messages/aside/unknown-sender.ts";
import { dndNames } from "../../model.ts";
import { changeConsents } from "../../registry/opt-outs/change-consents.ts";
import { describeOptOut } from "../../registry/opt-outs/describe-opt-out.ts";
import { listContactsOptOuts, listOptOutsOf } from "../../store/consent/opt-outs.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { OptOut } from "../../store/schema.ts";
import { type AttemptInput, type AttemptResult, requireMapping } from "../attempt.ts";

export interface DndContext {
  db: Db;
  highlevel: Pick<Highlevel, "findContact" | "readDnd" | "setDnd">;
}

/**
 * Tells HighLevel whether the person wants to be written to, as it stands now: as DND of the contact for emails, or for texts and
 * what HighLevel sets apart of them. DND that somebody else has set there stays as it is, and holds here. Throws a Failure.
 */
export async function setDnd({ db, highlevel }: DndContext, input: AttemptInput): Promise<AttemptResult> {
  const mapping = requireMapping(input);
  const { locationId, conversation } = input;
  const { address } = conversation;
  const optOuts = await listOptOutsOf(db, { locationId, address });
  if (optOuts.length === 0) return { detail: "there is no opt-out to tell", change: {} };
  const access = await input.access();
  const known = conversation.highlevelContactId ?? undefined;
  const key = mapping.channel === "sms" ? { phone: address } : { email: address };
  const find = async () => {
    const found = isChatId(address) ? undefined : await highlevel.findContact(access, key);
    if (found !== undefined) return found;
    const isComing = admit(mapping, conversation) === "let in";
    throw new Failure(isComing ? "not_visible" : "unknown_sender", "HighLevel has no contact with this address");
  };
  const tell = (contactId: string) =>
    tellContact({ db, highlevel, access, beforeCall: input.beforeCall }, contactId, optOuts);
  if (known === undefined) return tell(await find());
  return tell(known).catch(async (error: unknown) => {
    if (!(error instanceof Failure) || goneThing(error) !== "contact") throw error;
    return tell(await find());
  });
}

interface Telling extends Pick<DndContext, "db" | "highlevel">, Pick<AttemptInput, "beforeCall"> {
  access: Access;
}

async function tellContact(
  { db, highlevel, access, beforeCall }: Telling,
  contactId: string,
  optOuts: OptOut[],
): Promise<AttemptResult> {
  const settings = await highlevel.readDnd(access, contactId);
  const { locationId } = access;
  const standing = (await listContactsOptOuts(db, { locationId, contactId })).filter(
    ({ liftedAt }) => liftedAt === null,
  );
  const news = optOuts.map((optOut) => compare(optOut, settings[dndNames[optOut.channel]], standing));
  for (const { othersOf } of news) if (othersOf) await keepOthers(db, othersOf);
  const entries = news.flatMap(({ channel, entry }) => (entry ? [[dndNames[channel], entry] as const] : []));
  const detail = news.map(({ channel, words }) => `DND for ${dndNames[channel]} ${words}`).join("; ");
  if (entries.length === 0) return { detail, change: {} };
  beforeCall();
  const { status } = await highlevel.setDnd(access, contactId, { ...settings, ...Object.fromEntries(entries) });
  return { status, detail, change: {} };
}

/** What HighLevel is to have instead of what it has, if anything; and where somebody else has set what it has. */
interface DndNews extends Pick<OptOut, "channel"> {
  entry?: DndEntry;
  othersOf?: OthersDnd;
  words: string;
}

type OthersDnd = Pick<OptOut, "locationId" | "channel" | "address"> & { detail: string | undefined };

function compare(optOut: OptOut, present: DndEntry | undefined, standing: OptOut[]): DndNews {
  const { locationId, channel, address } = optOut;
  const isSet = present !== undefined && present.status !== "inactive";
  if (optOut.liftedAt === null) {
    if (isSet) return { channel, words: "is set already" };
    const entry = { status: "active", message: describeOptOut(optOut), code: ourDndCodes.active };
    return { channel, entry, words: "was set" };
  }
  if (!isSet) return { channel, words: "is not set" };
  if (present.code !== ourDndCodes.active) {
    const othersOf = { locationId, channel, address, detail: present.message };
    return { channel, othersOf, words: "stays: somebody else has set it" };
  }
  // HighLevel has one for all numbers and mailboxes of a contact.
  if (standing.some((each) => each.channel === channel))
    return { channel, words: "stays: the person has opted out by another address" };
  const message = "the person may be written to again";
  return { channel, entry: { status: "inactive", message, code: ourDndCodes.inactive }, words: "was lifted" };
}

/** What the person said is over, and what somebody has set in HighLevel holds here, too. */
async function keepOthers(db: Db, about: OthersDnd): Promise<void> {
  await db.transaction((tx) => changeConsents(tx, [{ ...about, change: "stop", cause: "highlevel" }]));
}
