import { afterAll, beforeAll, expect, test } from "vitest";
import { type RealInput, startRealInput } from "../support/real-input.ts";
import { until } from "../support/until.ts";

let real: RealInput;
beforeAll(async () => {
  real = await startRealInput();
});
afterAll(() => real.stop());

const notice = {
  ...{ from: "Parcels <track@carrier.example>", subject: "Parcel 1", "body-plain": "It arrives today." },
  Date: "Thu, 19 Nov 2026 08:00:00 +0000",
};

/** Mailgun's webhook of a mail with this Message-ID: how it was processed. */
const receive = (id: string, mail: Partial<typeof notice> = {}) =>
  real.receive("mailgun", { recipient: real.way("mailgun").address, ...notice, ...mail, "Message-Id": `<${id}>` });

const postedWith = (id: string) =>
  real.bridge.sandbox.messages().flatMap((each) => (each.altId?.startsWith(id) ? [each] : []));

test.each<[string, Partial<typeof notice>]>([
  ["text", { "body-plain": "It could not be delivered. Please call." }],
  ["subject", { subject: "Parcel 2" }],
  ["date", { Date: "Thu, 26 Nov 2026 08:00:00 +0000" }],
  ["sender", { from: "Rosa <rosa@client.example>" }],
])("of mails under one Message-ID each is posted that has another %s", async (what, other) => {
  const id = `constant-${what}@device.example`;
  for (const mail of [{}, other]) expect(await receive(id, mail)).toMatchObject({ state: "processed" });
  const first = await real.posted(id);
  const both = await until(
    () => postedWith(id),
    ({ length }) => length > 1,
  );
  expect(both).toHaveLength(2);
  expect(both[0]).toBe(first);
  // Each is known by an id of its own: what was posted before is looked for by it.
  expect(new Set(both.map(({ altId }) => altId)).size).toBe(2);
  for (const mail of [{}, other, other, {}]) {
    expect(await receive(id, mail)).toMatchObject({ state: "ignored", reason: expect.stringContaining("duplicate") });
  }
  expect(postedWith(id)).toHaveLength(2);
});

test("a reply to one of several mails under one Message-ID threads to the newest of its own conversation", async () => {
  const id = "often@device.example";
  await receive(id, { "body-plain": "One" });
  await receive(id, { "body-plain": "Two" });
  const [, second] = await until(
    () => postedWith(id),
    ({ length }) => length > 1,
  );
  const reply = { subject: "Re: Parcel 1", "In-Reply-To": `<${id}>` } as Partial<typeof notice>;
  await receive("reply-to-often@device.example", reply);
  expect((await real.posted("reply-to-often@device.example")).threadId).toBe(second?.threadId);
});

test("nobody can suppress a mail by sending another one under its id before", async () => {
  const id = "known-beforehand@client.example";
  await receive(id, { from: "Eve <eve@stranger.example>", "body-plain": "Spam" });
  await receive(id, { from: "Rosa <rosa@client.example>", "body-plain": "The order" });
  const own = await until(
    () => postedWith(id).find(({ emailFrom }) => emailFrom === "rosa@client.example"),
    (found) => found !== undefined,
  );
  expect(own?.body).toContain("The order");
});

test("nor by a gateway that knows mails by their Message-IDs, with or without brackets", async () => {
  const to = real.way("generic-email").address;
  for (const id of ["<constant@gateway.example>", "constant-too@gateway.example"]) {
    const data = { id, to, from: "track@carrier.example", messageId: id };
    for (const text of ["It arrives today.", "It could not be delivered."]) {
      const webhook = await real.receive("generic-email", { type: "message.received", data: { ...data, text } });
      expect(webhook).toMatchObject({ state: "processed" });
    }
    const both = await until(
      () => postedWith(id),
      ({ length }) => length > 1,
    );
    expect(both).toHaveLength(2);
  }
});
