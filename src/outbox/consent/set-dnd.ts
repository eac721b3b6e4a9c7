import { Failure } from "../../errors.ts";
import { isChatId } from "../../formats/address.ts";
import type { Access } from "../../highlevel/call.ts";
import type { Highlevel } from "../../highlevel/client.ts";
import { type DndEntry, dndChannels, ourDndCodes } from "../../highlevel/contacts.ts";
import { goneThing } from "../../highlevel/refusals.ts";
import { admit } from "../../messages/aside/unknown-sender.ts";
import { changeConsents } from "../../registry/opt-outs/change-consents.ts";
import { describeOptOut } from "../../registry/opt-outs/describe-opt-out.ts";
import { findOptOut } from "../../store/consent/opt-outs.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { OptOut } from "../../store/schema.ts";
import { type AttemptInput, type AttemptResult, requireMapping } from "../attempt.ts";

export interface DndContext {
  db: Db;
  highlevel: Pick<Highlevel, "findContact" | "readDnd" | "setDnd">;
}

/**
 * Tells HighLevel whether the person wants to be written to, as it stands now: as DND of the contact for texts or for emails.
 * DND that somebody else has set there stays as it is, and holds here. Throws a Failure.
 */
export async function setDnd({ db, highlevel }: DndContext, input: AttemptInput): Promise<AttemptResult> {
  const mapping = requireMapping(input);
  const { locationId, conversation } = input;
  const { address } = conversation;
  const optOut = await findOptOut(db, { locationId, channel: mapping.channel, address });
  if (!optOut) return { detail: "there is no opt-out to tell", change: {} };
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
    tellContact({ db, highlevel, access, beforeCall: input.beforeCall }, contactId, optOut);
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
  optOut: OptOut,
): Promise<AttemptResult> {
  const channel = dndChannels[optOut.channel];
  const settings = await highlevel.readDnd(access, contactId);
  const present = settings[channel];
  const isSet = present !== undefined && present.status !== "inactive";
  const put = async (entry: DndEntry, detail: string) => {
    beforeCall();
    const { status } = await highlevel.setDnd(access, contactId, { ...settings, [channel]: entry });
    return { status, detail, change: {} };
  };
  if (optOut.liftedAt === null) {
    if (isSet) return { detail: `DND for ${channel} is set already`, change: {} };
    const entry = { status: "active", message: describeOptOut(optOut), code: ourDndCodes.active };
    return put(entry, `DND for ${channel} was set`);
  }
  if (!isSet) return { detail: `DND for ${channel} is not set`, change: {} };
  if (present.code !== ourDndCodes.active) {
    await keepOthers(db, optOut, present);
    return { detail: `DND for ${channel} stays: somebody else has set it`, change: {} };
  }
  const entry: DndEntry = {
    status: "inactive",
    message: "the person may be written to again",
    code: ourDndCodes.inactive,
  };
  return put(entry, `DND for ${channel} was lifted`);
}

/** What the person said is over, and what somebody has set in HighLevel holds here, too. */
async function keepOthers(db: Db, { locationId, channel, address }: OptOut, { message }: DndEntry): Promise<void> {
  const about = { locationId, channel, address, detail: message };
  await db.transaction((tx) => changeConsents(tx, [{ ...about, change: "stop", cause: "highlevel" }]));
}
