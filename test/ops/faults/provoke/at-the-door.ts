import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { smsProviderId } from "../../../support/location.ts";
import { providerOf } from "../../../support/providers.ts";
import { writeMessage } from "../../../support/write-webhooks.ts";
import type { Provocation } from "../provocation.ts";
import { mailbox, type Stage } from "../stage.ts";

/** More than the alert wants of them. */
async function flood(times: number, post: () => Promise<unknown>): Promise<void> {
  for (let time = 0; time < times; time++) await post();
}

const hourAgo = () => new Date(Date.now() - 3_600_000);
const { secret: newSecret = "" } = providerOf("generic-sms").signer.foreignCredentials as { secret?: string };
const { secret: oldSecret = "" } = providerOf("generic-sms").signer.credentials as { secret?: string };

/** A text that is signed by the secret that the account does not know yet. */
function signAnew(stage: Stage, size = 100) {
  const url = stage.webhookUrl(stage.mappings["generic-sms"]);
  const data = { id: randomUUID(), from: "+15005550006", to: stage.numbers["generic-sms"], text: "x".repeat(size) };
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  return providerOf("generic-sms").signer.sign(sample, { url, at: new Date(), credentials: { secret: newSecret } });
}

/** To an account of which no other fault is: it is looked why only so often a second. */
function writeMail({ webhookUrl, mappings }: Stage, at: Date) {
  const message = { id: randomUUID(), from: "ann@example.org", to: mailbox, subject: "Hello", text: "Hello" };
  return writeMessage(providerOf("generic-email"), message, { url: webhookUrl(mappings.mail), at });
}

/** As a topic posts it; its account is made once, and has been called by nobody before. */
async function postOfTopic(stage: Stage, name: "text" | "subscription") {
  const { fixtures, signer } = providerOf("aws-sms");
  const sample = fixtures.find((each) => each.name === name)?.fixture.request;
  if (!sample) throw new Error(`aws-sms has no fixture ${name}.json`);
  stage.state.topicId ||= await stage.bridge.addMapping({
    ...{ provider: "aws-sms", credentials: signer.credentials, address: stage.numbers.topic, isDefault: false },
  });
  return stage.post(signer.sign(sample, { url: stage.webhookUrl(stage.state.topicId), at: new Date() }));
}

const large = (stage: Stage) => stage.post(stage.write("generic-sms", { text: "x".repeat(120_000) }));

export const atTheDoor: Record<string, Provocation> = {
  "The provider calls by another URL": {
    async provoke(stage) {
      const url = `http://sms.example.org/webhooks/${stage.mappings.twilio}`;
      await stage.post(stage.write("twilio", { url }), { "x-forwarded-host": "sms.example.org" });
    },
    mend: async (stage) => expect(await stage.post(stage.write("twilio"))).toBe(200),
  },
  "None of the credentials fits": {
    provoke: (stage) => flood(25, () => stage.post(signAnew(stage))),
    async mend(stage, run) {
      await run({ ACCOUNT: stage.mappings["generic-sms"], NEW: newSecret, OLD: oldSecret });
      expect(await stage.post(signAnew(stage))).toBe(200);
    },
  },
  "It comes too late": {
    provoke: (stage) => flood(5, () => stage.post(writeMail(stage, hourAgo()))),
  },
  "It lacks its signature": {
    provoke: (stage) =>
      flood(25, () => {
        const request = stage.write("twilio");
        const { "x-twilio-signature": _signature, ...headers } = request.headers;
        return stage.post({ ...request, headers });
      }),
  },
  "It has another content type (415)": {
    provoke: (stage) => flood(25, () => stage.post(stage.write("twilio"), { "content-type": "text/plain" })),
  },
  "Nobody looked why": {
    provoke: (stage) => {
      const url = stage.webhookUrl(stage.mappings.mail);
      return flood(25, () => stage.post({ ...signAnew(stage, 110_000), url }));
    },
  },
  "It is too large (413)": {
    provoke: large,
    async mend(stage) {
      await stage.bridge.restart({ bodyLimitBytes: { sms: 200_000, email: 1_000_000 } });
      expect(await large(stage)).toBe(200);
    },
  },
  "Too much comes (429, 503)": {
    async provoke(stage) {
      await stage.bridge.restart({ incoming: { connections: 5000, webhooksPerMinute: 30 } });
      await stage.calm();
      await flood(10, stage.text);
    },
    mend: ({ bridge }) => bridge.restart({ incoming: { connections: 5000, webhooksPerMinute: 0 } }),
  },
  "A certificate cannot be fetched": {
    async provoke(stage) {
      stage.state.isSnsAway = true;
      expect(await postOfTopic(stage, "text")).toBe(503);
    },
    async mend(stage) {
      stage.state.isSnsAway = false;
      expect(await postOfTopic(stage, "text")).toBe(200);
    },
  },
  "A topic's subscription is not confirmed": {
    async provoke(stage) {
      stage.state.isSnsAway = true;
      expect(await postOfTopic(stage, "subscription")).toBe(503);
    },
    async mend(stage) {
      stage.state.isSnsAway = false;
      expect(await postOfTopic(stage, "subscription")).toBe(200);
    },
  },
  "It comes to nobody (404, 410)": {
    provoke: (stage) => stage.post(stage.write("twilio", { url: stage.webhookUrl(randomUUID()) })),
  },
  "It is about another location (403)": {
    async provoke({ sandbox, stranger }) {
      for (let number = 0; number < 25; number++)
        sandbox.sendAsAgent(stranger.id, { providerId: smsProviderId, message: "Hello" });
    },
  },
};
