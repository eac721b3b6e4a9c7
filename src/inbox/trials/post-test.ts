import { randomUUID } from "node:crypto";
import { InvalidRequest } from "../../errors.ts";
import { isChatId, normalizeAddress } from "../../formats/address.ts";
import type { WebhookRequest } from "../../model.ts";
import type { Mapping } from "../../registry/mappings.ts";
import type { Receiver } from "../receive-webhook.ts";
import { isVerified } from "../refusals/is-verified.ts";
import { type FixtureName, fixtures } from "./fixtures.ts";

/** What was taken in as if its provider had posted it. */
export interface PostedTest {
  webhookId: number;
  /** A part of the message by which it is found. */
  text: string;
  from: string;
  to: string;
}

/**
 * Takes in a webhook of the mapping's provider, made and signed here with its credentials, that brings a message of
 * `writer`: verified and stored as any other, so that what follows is what follows for people. Throws an InvalidRequest where
 * the bridge cannot post as the provider does.
 */
export async function postTest(
  { receiver, publicUrl }: { receiver: Receiver; publicUrl: string },
  mapping: Mapping,
  { writer, fixture }: { writer: string; fixture: FixtureName },
): Promise<PostedTest> {
  const { adapter, accountId, provider } = mapping;
  if (mapping.type === "Call") throw new InvalidRequest("invalid", "the mapping has calls alone: it takes no messages");
  const from = normalizeAddress(mapping.channel, writer, mapping.address);
  const isAlike = from !== undefined && isChatId(from) === isChatId(mapping.address);
  if (!isAlike) throw new InvalidRequest("invalid", "some fields are missing or wrong", [notAnAddress]);
  const { request, ...message } = await composeTest(mapping, publicUrl, { from, fixture });
  const webhookId = await receiver.store("provider", { id: accountId, provider, adapter }, request);
  return { webhookId, from, ...message };
}

/** That webhook alone, signed, and of nothing that is stored. */
export async function composeTest(
  mapping: Mapping,
  publicUrl: string,
  { from, fixture = "plain" }: { from: string; fixture?: FixtureName },
): Promise<{ request: WebhookRequest; text: string; to: string }> {
  const { adapter, accountId } = mapping;
  const [credentials] = mapping.credentials;
  const at = new Date();
  // A mapping of a whole domain stands for each of its mailboxes.
  const to = mapping.address.replace(/^\*@/, "test@");
  const id = randomUUID();
  const text = [`A test of the bridge, ${at.toISOString()}`, ...fixtures[fixture]].join("\n");
  const url = `${publicUrl}/webhooks/${accountId}`;
  const request = adapter.composeTest?.({ id, from, to, subject: "A test of the bridge", text, at }, url, credentials);
  if (!request || !(await isVerified(mapping, request))) throw new InvalidRequest("invalid", whyNot(mapping));
  return { request, text, to };
}

const notAnAddress = { path: "from", message: "must be a number, a mailbox or an id, as the mapping's own address is" };

function whyNot({ adapter: { label, proof }, address }: Mapping): string {
  const why = proof.isOfProviderAlone
    ? `only ${label} can sign its webhooks`
    : `the bridge cannot post as ${label} does with these credentials`;
  return `${why}: write to ${address} instead`;
}
