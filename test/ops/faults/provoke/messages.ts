import { failMails } from "../../../support/kept-mails.ts";
import { emailProviderId, locationId } from "../../../support/location.ts";
import { allCredentials, providerOf } from "../../../support/providers.ts";
import { until } from "../../../support/until.ts";
import { writeMessage } from "../../../support/write-webhooks.ts";
import type { Provocation } from "../provocation.ts";
import { mailbox, person, type Stage } from "../stage.ts";

const untilListed = ({ bridge }: Stage, path: string, count = 1) =>
  until(
    () => bridge.admin("GET", path),
    ({ body }) => body.items.length >= count,
  );
const dead = "/deliveries?state=dead";

export const messages: Record<string, Provocation> = {
  "HighLevel refused a message": {
    async provoke(stage) {
      const path = "/conversations/messages/inbound";
      stage.sandbox.setFaults([{ kind: "status", status: 422, path, times: 1 }]);
      await stage.text();
      await untilListed(stage, dead);
    },
    mend: async ({ newest }, run) => run({ DELIVERY: await newest(dead) }),
  },
  "A provider refused a message": {
    async provoke(stage) {
      stage.state.sendFault = { kind: "refused" };
      stage.answer();
      await untilListed(stage, dead);
    },
    async mend({ state }, run) {
      state.sendFault = undefined;
      await run();
    },
  },
  "A provider has a mail no more, or does not give it": {
    async provoke(stage) {
      const provider = providerOf("resend");
      const mapping = { provider: "resend", address: "mails@example.com", credentials: allCredentials(provider) };
      const id = await stage.bridge.addMapping({ ...mapping, conversationProviderId: emailProviderId });
      failMails(() => 410);
      const mail = { id: "fetched-1", from: "ann@example.org", to: mapping.address, text: "Hi" };
      await stage.post(writeMessage(provider, mail, { url: stage.webhookUrl(id), at: new Date() }));
      await untilListed(stage, `${dead}&kind=fetch-mail`);
    },
    async mend(_stage, run) {
      failMails(() => undefined);
      await run();
    },
  },
  "Nobody can say whether the send route's message was sent": {
    async provoke({ bridge, sandbox, contact }) {
      const path = "/conversations/messages";
      sandbox.setFaults([{ kind: "no-answer", method: "POST", path, exact: true }]);
      await bridge.send({ type: "SMS", locationId, contactId: contact.id, message: "Hi" });
      sandbox.setFaults([]);
    },
    mend: async ({ newest }, run) => run({ MESSAGE: await newest("/messages?state=failed") }),
  },
  "A webhook is not understood": {
    async provoke(stage) {
      await stage.post(stage.write("generic-sms", { to: "+15005559009" }));
      await untilListed(stage, "/webhooks?state=failed");
    },
    async mend({ bridge, mappings }, run) {
      const mapping = { accountId: mappings["generic-sms"], locationId, address: "+15005559009" };
      await bridge.admin("POST", "/mappings", mapping);
      await run();
    },
  },
  "Messages of strangers are held": {
    async provoke(stage) {
      const { held } = stage.mappings;
      await stage.post(stage.write("generic-sms", { to: stage.numbers.held, url: stage.webhookUrl(held) }));
      await untilListed(stage, "/messages?aside=held");
    },
    mend: async ({ mappings, contact }, run) => run({ MAPPING: mappings.held, PERSON: person, CONTACT: contact.id }),
  },
  "Much mail is taken for a machine's": {
    async provoke(stage) {
      const { signer } = providerOf("generic-email");
      const url = stage.webhookUrl(stage.mappings.mail);
      for (let number = 0; number < 25; number++) {
        const data = { id: `auto-${number}`, from: "ann@example.org", to: mailbox, subject: "Away", text: "I am away" };
        const body = { type: "message.received", data: { ...data, autoSubmitted: "auto-replied" } };
        await stage.post(signer.sign({ contentType: "application/json", body }, { url, at: new Date() }));
      }
      await untilListed(stage, "/messages?aside=kept", 25);
    },
    mend: ({ mappings }, run) => run({ MAILBOX: mappings.mail }),
  },
  "Nothing goes out to people": {
    async provoke(stage) {
      await stage.bridge.restart({ holdSends: true });
      stage.answer();
      await until(stage.readyz, (answer) => answer?.text.includes('"reason":"held"') === true);
    },
    async mend({ bridge }, run) {
      await bridge.restart({ holdSends: false });
      await run();
    },
  },
  "A mapping is paused, and forgotten": {
    provoke: ({ bridge, mappings }) => bridge.admin("POST", `/mappings/${mappings["generic-sms"]}/pause`),
    mend: ({ mappings }, run) => run({ MAPPING: mappings["generic-sms"] }),
  },
  "A daily cap lets out less than comes": {
    async provoke(stage) {
      await stage.bridge.admin("PATCH", `/mappings/${stage.mappings.twilio}`, { timeZone: "UTC", dailyCap: 1 });
      stage.answer("One a day");
      stage.answer("And another one");
      await until(stage.readyz, (answer) => answer?.text.includes('"reason":"daily_cap"') === true);
      const then = "now() - interval '3 days'";
      await stage.sql(`update deliveries set held_at = ${then}, created_at = ${then} where reason = 'daily_cap'`);
    },
    mend: ({ mappings }, run) => run({ MAPPING: mappings.twilio }),
  },
  // The stand-in takes messages, and lists none.
  "A provider does not give what was before": {
    provoke: ({ bridge, mappings }) => bridge.admin("POST", "/imports/history", { mappingId: mappings.twilio }),
    async mend({ bridge, newest }, run) {
      const id = await newest("/imports");
      await run({ IMPORT: id });
      await until(
        () => bridge.admin("GET", `/imports/${id}`),
        ({ body }) => body.state === "paused",
      );
      await bridge.admin("POST", `/imports/${id}/stop`);
    },
  },
  "An import has stopped by itself": {
    async provoke({ bridge }) {
      const { signer } = providerOf("generic-sms");
      const mapping = { provider: "generic-sms", address: "+15005559010", credentials: signer.credentials };
      const mappingId = await bridge.addMapping(mapping);
      const messages = ["first", "second", "third"].map((text, index) => {
        return { date: `2024-01-31T09:30:0${index}Z`, direction: "inbound", person: "+15005550011", text };
      });
      const { body: begun } = await bridge.admin("POST", "/imports", { mappingId, perSecond: 1, messages });
      await bridge.admin("DELETE", `/mappings/${mappingId}`);
      await until(
        () => bridge.admin("GET", `/imports/${begun.id}`),
        ({ body }) => body.state === "stopped",
      );
    },
    // What is there is there: only a new one goes on.
    mend: async () => undefined,
  },
};
