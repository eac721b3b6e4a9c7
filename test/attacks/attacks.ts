import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { emailProviderId, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";
import { requestsPer10Seconds, type Stage } from "./stage.ts";

/** What somebody does to stop the others, or to learn of them; `size` is 1 where it is done as hard as it was done once. */
export interface Attack {
  name: string;
  /** Resolves when it has done its worst; what it leaves open ends with the stage. */
  run(stage: Stage, size: number): Promise<unknown>;
}

export const times = <Result>(count: number, what: (index: number) => Result) =>
  Array.from({ length: Math.max(1, Math.ceil(count)) }, (_, index) => what(index));
export const together = <Result>(count: number, what: (index: number) => Promise<Result>) =>
  Promise.all(times(count, what));

const mail = (content: object) => ({
  type: "message.received",
  data: { id: randomUUID(), from: "person@example.net", to: "support@attacker.example.com", text: "x", ...content },
});
const text = (content: object) => ({
  type: "message.received",
  data: { id: randomUUID(), from: "+15005558000", to: "+15005550001", text: "x", ...content },
});
/** As a mail server has it. */
const mailWithFiles = (subject: string, files: string[]) => ({
  type: "message.received",
  data: {
    id: randomUUID(),
    mime: [
      "From: person@example.net",
      "To: support@attacker.example.com",
      `Subject: ${subject}`,
      'Content-Type: multipart/mixed; boundary="-"',
      "",
      ...files.flatMap((content, index) => [
        "---",
        `Content-Disposition: attachment; filename="${index}.bin"`,
        "Content-Transfer-Encoding: base64",
        "",
        Buffer.from(content).toString("base64").replace(/.{76}/g, "$&\r\n"),
      ]),
      "-----",
      "",
    ].join("\r\n"),
  },
});

/** Sends a request's head and some of its body, and then nothing. */
function holdOpen(stage: Stage, path: string, bytes: number): Promise<void> {
  const { hostname, port, host } = new URL(stage.cluster.bridges[0]?.url ?? "");
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n`);
      socket.write(`content-length: ${bytes}\r\n\r\n`);
      socket.write(Buffer.alloc(bytes - 1, "x"), () => resolve());
    });
    socket.on("error", () => resolve()).on("close", () => resolve());
    socket.resume();
  });
}

const million = 1_000_000;

export const attacks: Attack[] = [
  {
    name: "lists of millions of elements, in webhooks that are signed",
    run: (stage, size) =>
      together(8 * size, () =>
        stage.postSigned("generic-email", mail({ attachments: times(12 * million * Math.max(size, 0.2), () => 1) })),
      ),
  },
  {
    name: "a mail to 25,500 people, and one that refers to as many",
    run: (stage, size) =>
      together(5 * size, () => {
        const people = times(25_500, (index) => `person${index}@example.net`);
        return Promise.all([
          stage.postSigned("generic-email", mail({ to: people })),
          stage.postSigned(
            "generic-email",
            mail({ text: "x", headers: people.map((id) => ["References", `<${id}>`]) }),
          ),
        ]);
      }),
  },
  {
    name: "JSON that is nested 100,000 deep",
    run: (stage, size) =>
      together(20 * size, () => stage.postSigned("generic-sms", `${"[".repeat(100_000)}${"]".repeat(100_000)}`)),
  },
  {
    name: "HTML that takes long to read, by an agent and in mails",
    async run(stage, size) {
      const html = "<div><table><tr><td>&amp;".repeat(Math.ceil(100_000 * Math.max(size, 0.3)));
      for (const _ of times(4 * size, () => 1))
        stage.cluster.sandbox.sendAsAgent(stage.attacker.contact.id, {
          providerId: emailProviderId,
          html,
          subject: "x",
        });
      await together(6 * size, () => stage.postSigned("generic-email", mail({ html, text: undefined })));
    },
  },
  {
    name: "bodies of 24 MB that nobody has signed, and that never end",
    async run(stage, size) {
      const paths = [
        ...Object.values(stage.attacker.mappings).map(({ webhookPath }) => webhookPath),
        `/webhooks/${randomUUID()}`,
      ];
      await together(60 * size, (index) => holdOpen(stage, paths[index % paths.length] ?? "", 24_000_000));
    },
  },
  {
    name: "guessing mapping ids, and posting unsigned to the other tenant's own",
    async run(stage, size) {
      const theirs = stage.victim.mappings["generic-sms"].webhookPath;
      const json = { "content-type": "application/json" };
      await together(1000 * size, () => stage.ask("POST", `/webhooks/${randomUUID()}`, json, Buffer.from("{}")));
      await together(1000 * size, () => stage.ask("POST", theirs, json, Buffer.from("{}")));
    },
  },
  {
    name: "names whose name server keeps silent, of files and of senders",
    async run({ cluster, attacker, nameServer, addMapping }, size) {
      const newName = () => {
        const name = `${randomUUID()}.silent.example`;
        nameServer.names.set(name, "silent");
        return name;
      };
      const { locationId } = attacker;
      const count = Math.max(12, 50 * size);
      const isSilent = (name: string) => name.endsWith(".silent.example");
      /** Each takes four seconds: where few places are for look-ups, as few are begun in two. */
      const begunInTwoSeconds = async () => {
        const before = nameServer.asked.length;
        await sleep(2000);
        return new Set(nameServer.asked.slice(before).filter(isSilent)).size;
      };
      const manyAtOnce = until(begunInTwoSeconds, (begun) => begun > 8, 300);
      manyAtOnce.catch(() => "it is told once all are asked for");
      for (const index of times(count, (each) => each)) {
        const contact = cluster.sandbox.addContact({ locationId, email: `silent${index}@example.net` });
        const attachments = times(5, () => `https://${newName()}/a.png`);
        cluster.sandbox.sendAsAgent(contact.id, { providerId: emailProviderId, html: "x", subject: "x", attachments });
      }
      await together(count, async (index) => {
        const sendUrl = `https://${newName()}/send`;
        const { id } = await addMapping(attacker, "generic-sms", `+1500556${1000 + index}`, { sendUrl });
        await cluster.sandbox.postEvent(`${cluster.bridges[0]?.url}/webhooks/highlevel/${id}`, {
          ...{ type: "SMS", locationId, contactId: randomUUID(), messageId: randomUUID(), webhookId: randomUUID() },
          ...{ phone: `+1500557${1000 + index}`, message: "x", attachments: [], userId: "user" },
        });
      });
      const askedFor = () => new Set(nameServer.asked.filter(isSilent)).size;
      await until(askedFor, (found) => found >= 2 * count, 300);
      await manyAtOnce;
    },
  },
  {
    name: "mails with 200 files, each of which would be a request of its location",
    async run({ cluster, attacker, postSigned }, size) {
      const uploads = () => cluster.sandbox.callCount("/conversations/messages/upload");
      const [before, beganAt] = [uploads(), Date.now()];
      const files = times(200, () => "x");
      const subject = `files ${randomUUID()}`;
      const { length: mails } = await together(60 * size, () =>
        postSigned("generic-email", mailWithFiles(subject, files)),
      );
      const posted = () =>
        cluster.sandbox
          .messages()
          .filter((each) => each.locationId === attacker.locationId && each.subject === subject);
      await until(posted, ({ length }) => length >= mails, 300);
      expect(uploads() - before).toBe(50 * mails);
      // A window may have begun just before, and one may have just begun.
      const windows = (Date.now() - beganAt) / 10_000 + 2;
      expect(50 * mails).toBeLessThan(windows * requestsPer10Seconds);
    },
  },
  {
    name: "emails whose sender says to come again in a million years, or in the year 22008",
    async run({ cluster, attacker }, size) {
      for (const index of times(100 * size, (each) => each)) {
        const contact = cluster.sandbox.addContact({
          locationId: attacker.locationId,
          email: `later${index}@example.net`,
        });
        cluster.sandbox.sendAsAgent(contact.id, { providerId: emailProviderId, html: "x", subject: "later" });
      }
      const list = `/deliveries?mappingId=${attacker.mappings["generic-email"].id}&reason=throttled&limit=200`;
      const { items } = await until(
        () => cluster.admin("GET", list),
        ({ items }) => items.length >= 100 * size,
        300,
      );
      const latest = Date.now() + 7 * 3600_000;
      for (const { state, retryAt } of items) {
        expect(state).toBe("pending");
        expect(new Date(retryAt).getTime()).toBeLessThan(latest);
      }
    },
  },
  {
    name: "60 codes of installs that HighLevel never gave",
    async run(stage) {
      const before = stage.cluster.sandbox.callCount("/oauth/token");
      const statuses = await together(60, (index) => stage.install(stage.attacker, `made-up-${index}`));
      expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(40);
      expect(stage.cluster.sandbox.callCount("/oauth/token") - before).toBeLessThanOrEqual(20);
    },
  },
  {
    name: "texts to a sendUrl that never answers",
    async run(stage, size) {
      for (const index of times(200 * size, (each) => each)) {
        const phone = `+1500555${1000 + index}`;
        const contact = stage.cluster.sandbox.addContact({ locationId: stage.attacker.locationId, phone });
        stage.cluster.sandbox.sendAsAgent(contact.id, { providerId: smsProviderId, message: "x" });
      }
    },
  },
  {
    name: "all lists, over and over, with a key of one location",
    async run(stage, size) {
      const headers = { authorization: `Bearer ${stage.attacker.key}` };
      const lists = [
        "messages?deliveryState=dead",
        "deliveries?state=dead",
        "webhooks?state=failed",
        "mappings",
        "locations",
        "messages?address=%2B15005557000",
      ];
      for (const _ of times(50 * size, () => 1)) {
        await Promise.all(lists.map((list) => stage.ask("GET", `/admin/${list}`, headers)));
      }
    },
  },
  {
    name: "imports of 20 MB, and lists of opt-outs that are no lists, with a key of one location",
    async run(stage, size) {
      const { key, locationId, mappings } = stage.attacker;
      const post = (path: string, type: string, body: string) =>
        stage.ask("POST", path, { authorization: `Bearer ${key}`, "content-type": type }, Buffer.from(body));
      const past = `/admin/imports?mappingId=${mappings["generic-sms"].id}&dryRun=true`;
      const optOuts = `/admin/opt-outs/import?locationId=${locationId}&channel=sms`;
      const row = JSON.stringify({
        date: "2024-01-31T09:30:00Z",
        direction: "inbound",
        person: "+15005558000",
        text: "x",
      });
      const bodies = [",", " ", "\n", '"', `${row}\n`].map((unit) =>
        unit.repeat((20 * million * Math.max(size, 0.2)) / unit.length),
      );
      for (const _ of times(5 * size, () => 1)) {
        for (const body of bodies) {
          await Promise.all([
            post(past, "application/x-ndjson", body),
            post(past, "text/csv", `date,text\n${body}`),
            post(optOuts, "text/csv", `address\n${body.slice(0, 1_900_000)}`),
          ]);
        }
      }
    },
  },
  {
    name: "mails of 20 MB, many at once",
    async run(stage, size) {
      const content = "mail ".repeat(2_800_000);
      await together(12 * size, () => stage.postSigned("generic-email", mailWithFiles("large", [content])));
    },
  },
  {
    name: "texts from 20,000 people in one minute",
    async run(stage, size) {
      for (const round of times(20 * size, (each) => each)) {
        await together(100, (index) =>
          stage.postSigned("generic-sms", text({ from: `+1500${5_600_000 + round * 100 + index}` })),
        );
      }
    },
  },
];
