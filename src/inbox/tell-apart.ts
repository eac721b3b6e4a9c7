import { createHash } from "node:crypto";
import type { ProviderMessage } from "../model.ts";
import type { Receivers } from "../registry/find-receivers.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import { findFingerprints, providerKeyOf } from "../store/messages/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { MappedMessage } from "./recognize-ours.ts";

/** Under which id a message is known, and what tells it from another one that came with the same. */
export interface Identity {
  providerMessageId: string;
  fingerprint?: string | undefined;
}

/**
 * Some providers know an email by its Message-ID, and that is the sender's choice: parcel services and devices give all
 * their mails the same, and a stranger could send one under an id before its owner does. So such an email is the same only
 * if it says the same. Another one gets an id of its own, in which its fingerprint follows the one that it came with.
 */
export async function tellApart(tx: Db, received: MappedMessage[]): Promise<Map<ProviderMessage, Identity>> {
  const chosen = received.filter(({ event }) => event.providerMessageId.replace(/^<|>$/g, "") === event.rfcMessageId);
  const keyOf = ({ mapping, event: { providerMessageId } }: MappedMessage) => ({
    mappingId: mapping.id,
    providerMessageId,
  });
  const known = await findFingerprints(tx, chosen.map(keyOf));
  const identities = new Map<ProviderMessage, Identity>();
  for (const each of chosen) {
    const { event } = each;
    const fingerprint = fingerprintOf(event);
    const key = providerKeyOf(keyOf(each));
    const first = known.get(key);
    if (first === undefined) known.set(key, fingerprint);
    // One without a fingerprint was kept by a version that had none.
    const isOther = first !== undefined && first !== null && first !== fingerprint;
    const providerMessageId = isOther ? variantOf(event.providerMessageId, fingerprint) : event.providerMessageId;
    identities.set(event, { providerMessageId, fingerprint });
  }
  return identities;
}

/** The id of another message that came with the same id as one before it. */
const variantOf = (providerMessageId: string, fingerprint: string) =>
  `${providerMessageId}#${fingerprint.slice(0, 16)}`;

function fingerprintOf(event: ProviderMessage): string {
  const { direction, from, to, cc, subject, text, html, sentAt, attachments } = event;
  const files = attachments.map(({ name, contentType, sizeBytes }) => [name, contentType, sizeBytes]);
  const said = [direction, from, to, cc, subject, text, html, sentAt, files];
  return createHash("sha256").update(JSON.stringify(said)).digest("hex");
}

/**
 * What a mapping took in that stood for the address before: it was moved to another location, or deleted and made anew. A
 * provider that missed the answer posts it again, and it is no news of the mapping that stands there now.
 */
export async function findRepeated(
  tx: Db,
  received: (MappedMessage & { mapping: MappingFacts })[],
  identities: Map<ProviderMessage, Identity>,
  formerIdsOf: Receivers["formerIdsOf"],
): Promise<Set<ProviderMessage>> {
  const asked = received.map(({ mapping, event }) => {
    const { fingerprint, providerMessageId } = identities.get(event) ?? { ...event, fingerprint: undefined };
    const id = event.providerMessageId;
    const ids = fingerprint === undefined ? [id] : [id, variantOf(id, fingerprint)];
    const former = formerIdsOf(mapping).flatMap((mappingId) =>
      ids.map((each) => ({ mappingId, providerMessageId: each })),
    );
    return { event, fingerprint, former, own: { mappingId: mapping.id, providerMessageId } };
  });
  const known = await findFingerprints(
    tx,
    asked.flatMap(({ former }) => former),
  );
  const repeated = new Set<ProviderMessage>();
  for (const { event, fingerprint, former, own } of asked) {
    const isRepeated = former.some((key) => {
      const told = known.get(providerKeyOf(key));
      return told === null || (told !== undefined && (fingerprint === undefined || told === fingerprint));
    });
    if (isRepeated) repeated.add(event);
    // What came before the move may be taken in by the same batch.
    else known.set(providerKeyOf(own), fingerprint ?? null);
  }
  return repeated;
}
