import { withoutReplyTokens } from "../formats/email/tokens/reply-token.ts";
import type { ProviderMessage } from "../model.ts";
import { findMappingsByKeys, type MappingKey } from "../store/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import type { MappingRow } from "../store/schema.ts";
import type { AccountFacts } from "./accounts.ts";
import { describeMapping, type MappingFacts } from "./mappings.ts";

/** Whom a message, or what else comes of a person, is from and for. */
export type Addressing = Pick<ProviderMessage, "direction" | "envelopeTo" | "from" | "to" | "cc" | "bcc">;

/** A message that came to an account, and when. */
export interface AddressedMessage {
  account: AccountFacts & { soleAddress: string | null };
  message: Addressing;
  receivedAt: Date;
}

export interface Receivers {
  /** Those of an account's mappings that messages are for. */
  find(addressed: AddressedMessage): MappingFacts[];
  /** Mappings that stood for the address of this one before it. */
  formerIdsOf(mapping: Pick<MappingFacts, "id" | "accountId" | "address">): string[];
}

/**
 * Finds for which mappings of their accounts messages are, by one statement for all of them. A text is for the number that it
 * was sent to. An email is for the mailboxes of its envelope; where the provider does not tell it, or none of them is
 * mapped, for those of To, then of Cc and Bcc. A plus tag falls back to the plain mailbox, and that to the mapping of its
 * whole domain, where no mailbox of its own is mapped. Mail comes by aliases, too: what names none of ours, and none that
 * was deleted, is for the only mailbox of an account that came along with it. Another account may serve many, of several
 * locations: there it would be somebody else's. A mapping that was deleted or moved gets what came before that.
 */
export async function findReceivers(tx: Db, all: AddressedMessage[]): Promise<Receivers> {
  const keys = all.flatMap(({ account, message }) =>
    [...levelsOf(account, message).flat(2), ...aliasedOf(account)].map(
      (address): MappingKey => ({ accountId: account.id, address }),
    ),
  );
  const byKey = new Map<string, MappingRow[]>();
  for (const row of await findMappingsByKeys(tx, keys)) {
    const key = `${row.accountId} ${row.address}`;
    byKey.set(key, [...(byKey.get(key) ?? []), row]);
  }
  const find: Receivers["find"] = ({ account, message, receivedAt }) => {
    const rowsOf = (address: string) => byKey.get(`${account.id} ${address}`) ?? [];
    const present = (address: string) => presentAt(rowsOf(address), receivedAt);
    const levels = levelsOf(account, message);
    for (const level of levels) {
      const found = level.flatMap((alternatives) => alternatives.flatMap((each) => present(each) ?? []).slice(0, 1));
      if (found.length > 0) return [...new Set(found)].map(describeMapping);
    }
    const namesDeleted = levels.flat(2).some((address) => rowsOf(address).some((row) => !row.movedTo));
    const aliased = namesDeleted ? [] : aliasedOf(account);
    return aliased
      .filter((address) => rowsOf(address).some(({ id }) => id === account.id))
      .flatMap((address) => present(address) ?? [])
      .map(describeMapping);
  };
  return {
    find,
    formerIdsOf: ({ id, accountId, address }) =>
      (byKey.get(`${accountId} ${address}`) ?? []).flatMap((row) => (row.deletedAt && row.id !== id ? row.id : [])),
  };
}

/**
 * The addresses by which a message would find its mapping, those that a person would name first. What is forwarded to a
 * provider has its own address in the envelope, and the mailbox that is mapped in To.
 */
export function receiversOf(message: Addressing): string[] {
  const { direction, envelopeTo = [], from, to, cc, bcc } = message;
  const receivers = [...envelopeTo, ...to, ...cc, ...bcc].map(withoutReplyTokens);
  return direction === "outbound" ? [from] : [...new Set(receivers)];
}

/** May a message be for this address of ours? */
export function isFor(address: string, account: AddressedMessage["account"], message: Addressing): boolean {
  return [...levelsOf(account, message).flat(2), ...aliasedOf(account)].includes(address);
}

/** The mailbox that an account has alone. */
function aliasedOf({ channel, soleAddress }: AddressedMessage["account"]): string[] {
  return channel === "sms" || soleAddress === null || soleAddress.startsWith("*@") ? [] : [soleAddress];
}

/** Where to look, one after another until something is found: addresses, each with what it falls back to. */
function levelsOf({ channel }: AddressedMessage["account"], message: Addressing): string[][][] {
  const { direction, envelopeTo = [], from, to, cc, bcc } = message;
  const isOurs = direction === "outbound";
  if (channel === "sms") return [(isOurs ? [from] : [...to, ...cc]).map((number) => [number])];
  const places = isOurs ? [[from]] : [envelopeTo, to, [...cc, ...bcc], [from]];
  return places.flatMap((addresses) => [
    addresses.map((address) => [address, withoutReplyTokens(address), withoutTag(address)]),
    addresses.map((address) => [domainOf(address)]),
  ]);
}

const withoutTag = (mailbox: string) => mailbox.replace(/\+[^@]*(?=@)/, "");
const domainOf = (mailbox: string) => `*${mailbox.slice(mailbox.lastIndexOf("@"))}`;

/** Who had the address at that time; of several that had it then the newest. */
function presentAt(rows: MappingRow[], at: Date): MappingRow | undefined {
  const endOf = ({ deletedAt }: MappingRow) => deletedAt?.getTime() ?? Number.POSITIVE_INFINITY;
  const present = rows.filter((row) => endOf(row) >= at.getTime()).sort((a, b) => endOf(a) - endOf(b));
  return present[0];
}
