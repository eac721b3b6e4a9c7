import { createHmac, randomUUID } from "node:crypto";
import { expect } from "vitest";
import { ensureConversation } from "../../src/store/conversations.ts";
import { insertMessages } from "../../src/store/messages/messages.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { signer as mailgun } from "../fixtures/mailgun/sign.ts";
import { publicUrl } from "../support/location.ts";
import { providerOf } from "../support/providers.ts";
import { until } from "../support/until.ts";
import { writeReceipt } from "../support/write-webhooks.ts";
import { type Attack, times, together } from "./attacks.ts";
import { type Stage, secretWord } from "./stage.ts";

const person = "ann@example.net";
const forged = "belladonna";
const mailbox = "support@mg.victim.example.com";

/** What somebody does who has recorded a request of the other tenant's that was signed. */
export const recorded: Attack[] = [
  {
    name: "the signature of one of the other's mails from Mailgun, under mails and events of any kind",
    async run(stage, size) {
      const { id, webhookPath } = await stage.addMapping(stage.victim, "mailgun", mailbox);
      const signed = signByMailgun();
      const post = ({ type, body }: { type: string; body: string }) =>
        stage.ask("POST", webhookPath, { "content-type": type }, Buffer.from(body));
      expect(await post(mailOf(`${secretWord} in a mail`, signed))).toBe(200);
      const kinds = ["delivered", "failed", "complained", "unsubscribed", "opened", "clicked", "accepted"];
      await together(20 * size, () =>
        Promise.all([mailOf(forged, signed), ...kinds.map((kind) => eventOf(kind, signed))].map(post)),
      );
      await untilRead(stage, id);
      expect(await wordsOf(stage, id)).toEqual([`${secretWord} in a mail`]);
      expect((await stage.cluster.admin("GET", `/opt-outs?locationId=${stage.victim.locationId}`)).items).toEqual([]);
    },
  },
  {
    name: "a receipt of one of the other's messages, under the references of all others",
    async run(stage, size) {
      const { id, webhookPath } = await stage.addMapping(stage.victim, "telnyx", "+15005550004");
      const { db, close } = await openDatabase({ url: stage.cluster.databaseUrl, poolSize: 1, startSeconds: 10 });
      const { locationId } = stage.victim;
      const { id: conversationId } = await ensureConversation(db, {
        mappingId: id,
        locationId,
        address: "+15005550006",
      });
      const sent = await insertMessages(
        db,
        times(10, (index) => ({
          ...{ mappingId: id, conversationId, direction: "outbound", state: "sent", receivedAt: new Date() },
          providerMessageId: `sent-${index}`,
        })),
      );
      await close();
      const url = `${publicUrl}${webhookPath}`;
      const receipt = { id: "sent-0", reference: undefined, from: "+15005550004", to: "+15005550006" };
      const { headers, body } = writeReceipt(
        providerOf("telnyx"),
        { ...receipt, status: "delivered" },
        { url, at: new Date() },
      );
      const references = [...sent.map((message) => message.id), 1, 2, 3];
      await together(20 * size, () =>
        Promise.all(references.map((each) => stage.ask("POST", `${webhookPath}?message=${each}`, headers, body))),
      );
      await untilRead(stage, id);
      const { items } = await stage.cluster.admin("GET", `/messages?mappingId=${id}`);
      const states = items.map(({ providerMessageId, state }: Record<string, string>) => [providerMessageId, state]);
      expect(Object.fromEntries(states)).toEqual(
        Object.fromEntries(times(10, (index) => [`sent-${index}`, index === 0 ? "delivered" : "sent"])),
      );
    },
  },
  {
    name: "HighLevel's event that has no webhookId, at each of the other's delivery URLs",
    async run(stage, size) {
      const { victim, cluster, taken, victimsSendUrl: sendUrl } = stage;
      const second = await stage.addMapping(victim, "generic-sms", "+15005550003", { sendUrl });
      const words = `${secretWord} once`;
      const event = {
        ...{ type: "SMS", locationId: victim.locationId, contactId: victim.contact.id, messageId: randomUUID() },
        ...{ phone: victim.contact.phone, message: words, attachments: [], userId: "user" },
      };
      const post = ({ id }: { id?: string }) =>
        cluster.sandbox.postEvent(`${cluster.bridges[0]?.url}/webhooks/highlevel/${id ?? ""}`, event);
      await post(victim.mappings["generic-sms"]);
      // There it is refused, and HighLevel goes on to post it.
      void post(stage.attacker.mappings["generic-sms"]);
      await together(20 * size, () => Promise.all([{}, second, ...Object.values(victim.mappings)].map(post)));
      const sent = () => taken.filter((text) => text.includes(words));
      await until(sent, ({ length }) => length > 0, 300);
      const mappings = [second, ...Object.values(victim.mappings)];
      for (const { id } of mappings) await untilRead(stage, id);
      const kept = await Promise.all(mappings.map(({ id }) => wordsOf(stage, id)));
      expect(kept.flat().filter((each) => each === words)).toHaveLength(1);
      expect(sent()).toHaveLength(1);
    },
  },
  {
    name: "an UNINSTALL from before the other connected its location, and one without a time",
    async run(stage, size) {
      const { victim, cluster } = stage;
      expect(await stage.install(victim)).toBe(200);
      const event = { type: "UNINSTALL", appId: "app", locationId: victim.locationId };
      const old = { ...event, timestamp: new Date(Date.now() - 3600_000).toISOString() };
      const url = `${cluster.bridges[0]?.url}/webhooks/highlevel`;
      await together(50 * size, () => Promise.all([old, event].map((each) => cluster.sandbox.postEvent(url, each))));
      const { auth, paused } = await cluster.admin("GET", `/locations/${victim.locationId}`);
      expect({ auth, paused }).toEqual({ auth: "oauth", paused: null });
    },
  },
];

/** Nothing that was posted to the mapping's URLs waits to be read any more. */
async function untilRead({ cluster }: Stage, mappingId: string): Promise<void> {
  const waiting = () => cluster.admin("GET", `/webhooks?mappingId=${mappingId}&state=received&limit=1`);
  await until(waiting, ({ items }) => items.length === 0, 300);
}

async function wordsOf({ cluster }: Stage, mappingId: string): Promise<string[]> {
  const { items } = await cluster.admin("GET", `/messages?mappingId=${mappingId}&limit=200`);
  return items.map(({ firstWords }: { firstWords: string }) => firstWords);
}

type Signed = Record<"timestamp" | "token" | "signature", string>;

function signByMailgun(): Signed {
  const { signingKey } = mailgun.credentials as { signingKey: string };
  const timestamp = String(Math.floor(Date.now() / 1000));
  const token = randomUUID().replaceAll("-", "").padEnd(50, "0");
  return {
    timestamp,
    token,
    signature: createHmac("sha256", signingKey)
      .update(timestamp + token)
      .digest("hex"),
  };
}

const mailOf = (words: string, signed: Signed) => ({
  type: "application/x-www-form-urlencoded",
  body: new URLSearchParams({
    ...{ recipient: mailbox, sender: person, from: person, To: mailbox, subject: words, "body-plain": words },
    ...{ "Message-Id": `<${randomUUID()}@example.net>`, ...signed },
  }).toString(),
});

const eventOf = (event: string, signature: Signed) => ({
  type: "application/json",
  body: JSON.stringify({
    signature,
    "event-data": {
      ...{ event, severity: "permanent", recipient: person, id: randomUUID() },
      message: { headers: { "message-id": `${randomUUID()}@mg.example.com` } },
    },
  }),
});
