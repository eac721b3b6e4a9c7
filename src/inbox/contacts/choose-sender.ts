import { countryOf } from "../../formats/phone-number.ts";
import type { HighlevelMessageType, SenderRule } from "../../model.ts";
import { adapterOf } from "../../providers/registry.ts";
import { findLastMapping, listSendingMappings, type SendingAbout } from "../../store/mappings.ts";
import type { Db } from "../../store/postgres/database.ts";

/** Of a location that has more, the country's is looked for among these. */
const maxMappings = 1000;

/**
 * The mapping that sends to a contact, of those that can send what it is, when HighLevel does not say which, and by what it was chosen: the one of the newest
 * message with this person; else the agent's; else one of the person's country; else the location's default one; else its oldest.
 */
export async function chooseSender(tx: Db, about: SendingAbout): Promise<{ id: string; rule: SenderRule } | undefined> {
  const last = await findLastMapping(tx, about);
  if (last !== undefined) return { id: last, rule: "last" };
  const mappings = suitable(await listSendingMappings(tx, about, maxMappings), about);
  const [first] = mappings;
  if (!first) return undefined;
  if (about.userId !== undefined && first.userIds?.includes(about.userId)) return { id: first.id, rule: "agent" };
  const fallback = mappings.find(({ isDefault }) => isDefault);
  const country = countryOf(about.address);
  const isOfCountry = ({ address }: { address: string }) => country !== undefined && countryOf(address) === country;
  const ofCountry = mappings.find(isOfCountry);
  // Where the default one is of the country as well, it is meant.
  if (ofCountry && ofCountry !== fallback) return { id: ofCountry.id, rule: "country" };
  return fallback ? { id: fallback.id, rule: "default" } : { id: first.id, rule: "oldest" };
}

type Sending = Awaited<ReturnType<typeof listSendingMappings>>[number];

/** Those that send it as what it is, where there are any. */
function suitable(mappings: Sending[], { isToNumber, service, fromMailbox = "" }: SendingAbout): Sending[] {
  const isText = isToNumber && service === undefined;
  const domain = fromMailbox.slice(fromMailbox.lastIndexOf("@") + 1);
  const suited = mappings.filter(({ address, type, provider }) => {
    // Nobody can tell from which of its mailboxes an email would be.
    if (address.startsWith("*@")) return address === `*@${domain}`;
    return !isText || (textTypes.includes(type) && adapterOf(provider)?.onlyService === undefined);
  });
  return suited.length > 0 ? suited : mappings;
}

/** Of mappings that are for no other service. */
const textTypes: readonly HighlevelMessageType[] = ["SMS", "Custom"];
