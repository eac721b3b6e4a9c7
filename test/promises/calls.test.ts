import { afterAll, beforeAll, expect, test } from "vitest";
import { signer } from "../fixtures/generic-sms/sign.ts";
import { signer as sendblue } from "../fixtures/sendblue/sign.ts";
import { signer as twilio } from "../fixtures/twilio/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, publicUrl, smsProviderId, token } from "../support/location.ts";
import { until } from "../support/until.ts";

/** Calls that were made elsewhere are in HighLevel, once and in order with the texts. */
let bridge: TestBridge;
let mappingId: string;
const ours = "+15005550009";
const callProviderId = "provider-calls";
const twilioAccount = `AC${"0".repeat(31)}1`;
beforeAll(async () => {
  bridge = await startTestBridge();
  bridge.sandbox.putLocation({
    ...{ id: locationId, token },
    providers: [
      { id: smsProviderId, channel: "sms", extra: true },
      { id: callProviderId, channel: "call", extra: true },
    ],
  });
  const mapping = { provider: "generic-sms", address: ours, credentials: signer.credentials, callProviderId };
  mappingId = await bridge.addMapping(mapping);
});
afterAll(() => bridge.stop());

async function post(type: string, data: Record<string, unknown>, id = mappingId): Promise<void> {
  const sample = { contentType: "application/json", body: { type, data: { to: ours, ...data } } };
  const posted = await bridge.post(signer.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() }));
  expect(posted.status).toBe(200);
}
const messagesOf = (person: string) => {
  const contact = bridge.sandbox.contacts().find(({ phone }) => phone === person);
  return bridge.sandbox.messages().filter(({ contactId }) => contactId === contact?.id);
};
const untilPosted = (person: string, count: number) =>
  until(
    () => messagesOf(person),
    (messages) => messages.length >= count,
  );

test("a call stands between the texts of its conversation, once, with how it ended, how long it was and what was said", async () => {
  const from = "+15005550101";
  await post("message.received", { id: "t-1", from, text: "Call me" });
  const call = { id: "c-1", from, status: "completed", durationSeconds: 3725, text: "They want the blue one" };
  await post("call.ended", call);
  await post("call.ended", call);
  await post("message.received", { id: "t-2", from, text: "Thanks" });
  const messages = await untilPosted(from, 3);
  expect(
    messages.map(({ type, altId, body, direction, callStatus }) => ({ type, altId, body, direction, callStatus })),
  ).toEqual([
    { type: "Custom", altId: "t-1", body: "Call me", direction: "inbound", callStatus: undefined },
    {
      ...{ type: "Call", altId: "c-1", direction: "inbound", callStatus: "completed" },
      body: "Call: completed, 1 h 2 min 5 s\nThey want the blue one",
    },
    { type: "Custom", altId: "t-2", body: "Thanks", direction: "inbound", callStatus: undefined },
  ]);
  expect(messages[1]?.conversationProviderId).toBe(callProviderId);
});

test("a call of somebody unknown makes them a contact", async () => {
  const from = "+15005550102";
  await post("call.ended", { id: "c-2", from, status: "no-answer" });
  const [call] = await untilPosted(from, 1);
  expect(call).toMatchObject({ type: "Call", callStatus: "no-answer", body: "Call: no-answer" });
});

test("a call that the business made is logged as one", async () => {
  const to = "+15005550103";
  await post("call.ended", { id: "c-3", from: ours, to, status: "busy", direction: "outbound" });
  const [call] = await untilPosted(to, 1);
  expect(call).toMatchObject({ type: "Call", callStatus: "busy", direction: "outbound", altId: "c-3" });
});

test("a summary that says STOP is nobody's wish", async () => {
  const from = "+15005550104";
  await post("call.ended", { id: "c-4", from, status: "completed", text: "stop" });
  await untilPosted(from, 1);
  expect((await bridge.admin("GET", "/opt-outs")).body.items).toEqual([]);
});

test("a call whose post was answered too late is posted once", async () => {
  const from = "+15005550105";
  bridge.sandbox.setFaults([{ kind: "half-answer", path: "/conversations/messages/inbound", times: 1 }]);
  await post("call.ended", { id: "c-5", from, status: "completed" });
  await until(
    () => bridge.admin("GET", "/deliveries?providerMessageId=c-5"),
    ({ body }) => body.items[0]?.state === "delivered",
  );
  expect(messagesOf(from)).toHaveLength(1);
});

const recorded = (callId: string, id: string, more: Record<string, unknown> = {}, accountId = mappingId) => {
  const attachments = [{ url: `https://files.example.com/${id}.mp3` }];
  return post("call.recorded", { callId, id, attachments, ...more }, accountId);
};
const webhooksOf = (state: string) =>
  bridge.admin("GET", `/webhooks?accountId=${mappingId}&state=${state}`).then(({ body }) => body.items);
const untilFiles = (person: string, count: number) =>
  until(
    () => messagesOf(person)[0]?.attachments ?? [],
    (files) => files.length === count,
  );
const namesOf = (files: string[]) => files.map((url) => url.split("/").at(-1));

test("what comes later is added to the call that is there, each once, and what was said as a file", async () => {
  const from = "+15005550107";
  await post("call.ended", {
    id: "c-8",
    from,
    status: "completed",
    attachments: [{ url: "https://files.example.com/a.mp3" }],
  });
  await untilPosted(from, 1);
  await recorded("c-8", "r-1", { text: "Please call me back." });
  await recorded("c-8", "r-1", { text: "Please call me back." });
  await recorded("c-8", "r-2");
  const files = await untilFiles(from, 4);
  expect(namesOf(files)).toEqual(["a.mp3", "r-1.mp3", "transcript.txt", "r-2.mp3"]);
  expect(await (await fetch(files[2] ?? "")).text()).toBe("Please call me back.");
  expect(messagesOf(from)).toHaveLength(1);
  const ignored = await webhooksOf("ignored");
  expect(ignored.map(({ reason }: { reason: string }) => reason)).toContain("duplicate: the call has it already");
});

test("a recording that the call came with is not added to it once more", async () => {
  const from = "+15005550124";
  const attachments = [{ url: "https://files.example.com/r-12.mp3" }];
  await post("call.ended", { id: "c-18", from, status: "completed", attachments });
  await recorded("c-18", "r-12");
  await recorded("c-18", "r-13");
  expect(namesOf(await untilFiles(from, 2))).toEqual(["r-12.mp3", "r-13.mp3"]);
});

test("a recording that comes before its call waits with a reason, and is added to it once it is there", async () => {
  const from = "+15005550108";
  await recorded("c-9", "r-3");
  const [failed] = await until(
    () => webhooksOf("failed"),
    (items) => items.length === 1,
  );
  expect(failed.reason).toMatch(
    /^no call c-9 is known: where it comes later, what is told here is added to it by itself\. .* callProviderId/,
  );
  await post("call.ended", { id: "c-9", from, status: "voicemail" });
  await untilFiles(from, 1);
  expect(await webhooksOf("failed")).toEqual([]);
});

test("a recording of a call that HighLevel has not taken yet waits for it", async () => {
  const from = "+15005550109";
  bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/messages/inbound", status: 503, times: 3 }]);
  await post("call.ended", { id: "c-10", from, status: "completed" });
  await recorded("c-10", "r-4");
  expect(namesOf(await untilFiles(from, 1))).toEqual(["r-4.mp3"]);
  await until(
    () => bridge.admin("GET", "/deliveries?kind=add-to-call&state=pending"),
    ({ body }) => body.items.length === 0,
  );
  expect(messagesOf(from)).toHaveLength(1);
});

test("a recording of a call that is held makes no dead letter, and goes along once the caller is let in", async () => {
  const [address, from] = ["+15005550017", "+15005550123"];
  const id = await bridge.addMapping({
    ...{ provider: "generic-sms", address, credentials: signer.credentials, callProviderId, unknownSender: "hold" },
  });
  await post("call.ended", { id: "c-17", from, to: address, status: "voicemail" }, id);
  await recorded("c-17", "r-11", {}, id);
  const { body } = await until(
    () => bridge.admin("GET", `/deliveries?kind=add-to-call&providerMessageId=c-17`),
    (answer) => answer.body.items[0]?.state === "delivered",
  );
  expect(body.items).toHaveLength(1);
  const contact = bridge.sandbox.addContact({ locationId, phone: from });
  await bridge.admin("PUT", `/mappings/${id}/conversations/${encodeURIComponent(from)}`, { contactId: contact.id });
  expect(namesOf(await untilFiles(from, 1))).toEqual(["r-11.mp3"]);
});

test("of a call HighLevel takes five files, and the delivery says how many are left out", async () => {
  const from = "+15005550110";
  await post("call.ended", { id: "c-11", from, status: "completed" });
  await untilPosted(from, 1);
  for (const turn of [1, 2, 3, 4, 5, 6, 7]) await recorded("c-11", `r-5${turn}`);
  await untilFiles(from, 5);
  const { body } = await bridge.admin("GET", "/messages?providerMessageId=c-11");
  await until(
    async () => {
      const { deliveries } = (await bridge.admin("GET", `/messages/${body.items[0].id}`)).body;
      return deliveries.flatMap(({ attemptLog }: { attemptLog: { detail: string | null }[] }) =>
        attemptLog.map(({ detail }) => detail),
      );
    },
    (told) => told.includes("HighLevel takes 5 files of a call: 2 are left out"),
  );
});

test("of what is told of a call 50 files are kept, and the webhook of what comes then says so", async () => {
  const from = "+15005550115";
  await post("call.ended", { id: "c-15", from, status: "completed" });
  await untilPosted(from, 1);
  const files = Array.from({ length: 30 }, (_, index) => ({ url: `https://files.example.com/${index}.mp3` }));
  for (const turn of [1, 2, 3]) await recorded("c-15", `r-6${turn}`, { attachments: files });
  const ignored = await until(
    () => webhooksOf("ignored"),
    (items) =>
      items.some(({ reason }: { reason: string }) => reason === "the call has 50 files already: no more are kept"),
  );
  expect(ignored).toBeDefined();
  const { body } = await bridge.admin("GET", "/messages?providerMessageId=c-15");
  const whole = await bridge.admin("GET", `/messages/${body.items[0].id}`);
  expect(whole.body.content.attachments).toHaveLength(50);
  expect(whole.body.leftOut, "of three times thirty").toBe(40);
  const { body: story } = await bridge.admin("GET", `/messages/${whole.body.id}/story`);
  expect(story.steps).toContainEqual(
    expect.objectContaining({ what: expect.stringContaining("40 files of the call") }),
  );
});

test("what comes after the contact went into another one is added to the call, wherever that is now", async () => {
  const [from, heirs] = ["+15005550111", "+15005550112"];
  await post("call.ended", { id: "c-12", from, status: "completed" });
  const [{ contactId } = { contactId: "" }] = await untilPosted(from, 1);
  const heir = bridge.sandbox.addContact({ locationId, phone: heirs });
  bridge.sandbox.mergeContact(contactId, heir.id);
  await forget(contactId);
  await recorded("c-12", "r-8", { text: "Hello" });
  expect(namesOf(await untilFiles(heirs, 2))).toEqual(["r-8.mp3", "transcript.txt"]);
});

test("what comes after the contact was deleted, and the call with it, is given up at once, and says so", async () => {
  const from = "+15005550113";
  await post("call.ended", { id: "c-13", from, status: "completed" });
  const [{ contactId } = { contactId: "" }] = await untilPosted(from, 1);
  bridge.sandbox.deleteContact(contactId);
  await forget(contactId);
  await recorded("c-13", "r-9");
  const { body } = await until(
    () => bridge.admin("GET", "/deliveries?kind=add-to-call&state=dead"),
    (answer) => answer.body.items.length === 1,
  );
  expect(body.items[0]).toMatchObject({ reason: "rejected", detail: expect.stringContaining("No message found") });
});

/** As HighLevel tells of a contact that is no more. */
async function forget(id: string): Promise<void> {
  const event = { type: "ContactDelete", locationId, id };
  await bridge.sandbox.postEvent(`${bridge.url}/webhooks/highlevel`, event);
  await until(
    () => bridge.admin("GET", "/webhooks?source=highlevel&state=received"),
    ({ body }) => body.items.length === 0,
  );
}

test("a call that is told of two numbers of an account has its recording at both", async () => {
  const addresses = ["+15005550021", "+15005550022"];
  const { body: account } = await bridge.admin("POST", "/accounts", {
    ...{ provider: "generic-sms", credentials: signer.credentials, locationIds: [locationId] },
  });
  for (const address of addresses) {
    await bridge.admin("POST", "/mappings?check=false", {
      ...{ accountId: account.id, address, locationId, conversationProviderId: smsProviderId, callProviderId },
    });
  }
  const from = "+15005550114";
  for (const to of addresses) await post("call.ended", { id: "c-14", from, to, status: "completed" }, account.id);
  await untilPosted(from, 2);
  await recorded("c-14", "r-10", {}, account.id);
  await until(
    () => messagesOf(from).map(({ attachments }) => namesOf(attachments ?? [])),
    (files) => files.every(([name]) => name === "r-10.mp3"),
    15,
  );
});

test("where the mapping names no provider of calls, they are ignored, and the webhook says why", async () => {
  const address = "+15005550019";
  const id = await bridge.addMapping({ provider: "generic-sms", address, credentials: signer.credentials });
  await post("call.ended", { id: "c-6", from: "+15005550106", to: address, status: "completed" }, id);
  const { body } = await until(
    () => bridge.admin("GET", `/webhooks?accountId=${id}&state=ignored`),
    (answer) => answer.body.items.length === 1,
  );
  expect(body.items[0].reason).toContain("callProviderId");
  expect(bridge.sandbox.contacts().filter(({ phone }) => phone === "+15005550106")).toEqual([]);
  await post("call.recorded", { callId: "c-6", id: "r-6", text: "Hello" }, id);
  const { body: later } = await until(
    () => bridge.admin("GET", `/webhooks?accountId=${id}&state=ignored`),
    (answer) => answer.body.items.length === 2,
  );
  expect(later.items[0].reason).toContain("callProviderId");
  await bridge.admin("PATCH", `/mappings/${id}`, { callProviderId });
  await post("call.ended", { id: "c-7", from: "+15005550106", to: address, status: "completed" }, id);
  await untilPosted("+15005550106", 1);
});

test("a text that came before a mapping had calls alone is posted as a text, and the mapping keeps its type", async () => {
  const [from, address] = ["+15005550198", "+15005550097"];
  const about = { provider: "generic-sms", address, credentials: signer.credentials };
  const id = await bridge.addMapping(about);
  await bridge.admin("POST", `/mappings/${id}/pause`);
  await post("message.received", { id: "t-8", from, to: address, text: "before" }, id);
  await until(
    () => bridge.admin("GET", `/messages?mappingId=${id}`),
    (answer) => answer.body.items.length === 1,
  );
  expect((await bridge.admin("PATCH", `/mappings/${id}`, { type: "Call", callProviderId })).status).toBe(200);
  await bridge.admin("POST", `/mappings/${id}/resume`);
  expect(await untilPosted(from, 1)).toMatchObject([{ type: "Custom", body: "before" }]);
  expect((await bridge.admin("GET", `/mappings/${id}`)).body.type).toBe("Call");
});

test("the leg of a call between two others is ignored, and one from a mapped number is a call of the business", async () => {
  const account = { accountSid: twilioAccount, authToken: "0".repeat(32) };
  const address = "+15005550018";
  const id = await bridge.addMapping({ provider: "twilio", address, credentials: account, callProviderId });
  const leg = async (sid: string, from: string, to: string) => {
    const body = {
      ...{ AccountSid: twilioAccount, CallSid: sid, ParentCallSid: "CA1", CallStatus: "completed", From: from, To: to },
      Direction: "outbound-dial",
    };
    const sample = { contentType: "application/x-www-form-urlencoded", body };
    const url = `${publicUrl}/webhooks/${id}`;
    expect((await bridge.post(twilio.sign(sample, { url, at: new Date(), credentials: account }))).status).toBe(200);
  };
  await leg("CA2", "+15005550120", "+15005550121");
  const { body } = await until(
    () => bridge.admin("GET", `/webhooks?accountId=${id}&state=ignored`),
    (answer) => answer.body.items.length === 1,
  );
  expect(body.items[0].reason).toContain("a leg of another call");
  await leg("CA3", address, "+15005550121");
  const [call] = await untilPosted("+15005550121", 1);
  expect(call).toMatchObject({ direction: "outbound", altId: "CA3" });
});

test("what was posted for a call of the business is shown as it was posted, without a text", async () => {
  const to = "+15005550122";
  await post("call.ended", { id: "c-16", from: ours, to, status: "completed", direction: "outbound", text: "Sold" });
  await untilPosted(to, 1);
  const { body: found } = await bridge.admin("GET", "/messages?providerMessageId=c-16");
  const { body } = await bridge.admin("GET", `/messages/${found.items[0].id}?posted=true`);
  const posted = body.posted.find(({ path }: { path: string }) => path === "/conversations/messages/outbound");
  expect(Object.keys(posted.body).toSorted()).toEqual(
    ["altId", "call", "conversationId", "conversationProviderId", "date", "type"].toSorted(),
  );
});

test("a mailbox has no calls, nor has a chat", async () => {
  const chat = { provider: "generic-sms", address: "id:page-9", credentials: signer.credentials, callProviderId };
  const refused = await bridge.admin("POST", "/mappings?check=false", { ...chat, locationId });
  expect([refused.status, refused.body.errors?.[0]?.path]).toEqual([422, "callProviderId"]);

  const mailbox = {
    provider: "generic-email",
    address: "a@example.com",
    credentials: signer.credentials,
    callProviderId,
  };
  const { status, body } = await bridge.admin("POST", "/mappings?check=false", { ...mailbox, locationId });
  expect([status, body.errors]).toEqual([422, [{ path: "callProviderId", message: "is for numbers: leave it out" }]]);
});

test("what was said in a call by Sendblue is with it once, whether it comes with the call or in a webhook after it", async () => {
  const given = { provider: "sendblue", address: "+15005550019", credentials: sendblue.credentials, callProviderId };
  const id = await bridge.addMapping(given);
  const log = async (body: Record<string, unknown>) => {
    const call = { event_type: "call_log", to_number: given.address, direction: "inbound", ...body };
    const sample = { contentType: "application/json", body: call };
    const posted = await bridge.post(sendblue.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() }));
    expect(posted.status).toBe(200);
  };
  const [first, second] = ["+15005550141", "+15005550142"];
  await log({ call_id: "sb-1", from_number: first, disposition: "voicemail" });
  await untilPosted(first, 1);
  for (const turn of [1, 2]) {
    await log({ call_id: "sb-1", from_number: first, disposition: "voicemail", transcript: "Call me back", turn });
    await log({ call_id: "sb-2", from_number: second, disposition: "connected", transcript: "Hello", turn });
  }
  for (const person of [first, second]) await untilFiles(person, 1);
  await log({ call_id: "sb-3", from_number: second, disposition: "not_answered" });
  await untilPosted(second, 2);
  expect([first, second].map((person) => messagesOf(person).map(({ callStatus }) => callStatus))).toEqual([
    ["voicemail"],
    ["completed", "no-answer"],
  ]);
  for (const person of [first, second]) expect(messagesOf(person)[0]?.attachments).toHaveLength(1);
});

test("a call by Sendblue that is passed over takes what was said in it along, and no webhook fails for it", async () => {
  const given = { provider: "sendblue", credentials: sendblue.credentials };
  const posting = await bridge.addMapping({
    ...given,
    address: "+15005550020",
    callProviderId,
    unknownSender: "ignore",
  });
  const { accountId } = (await bridge.admin("GET", `/mappings/${posting}`)).body;
  await bridge.admin("POST", "/mappings?check=false", { accountId, address: "+15005550021", locationId });
  for (const to_number of ["+15005550020", "+15005550021"]) {
    const said = { disposition: "voicemail", transcript: "Call me back", direction: "inbound" };
    const body = {
      event_type: "call_log",
      call_id: `sb-${to_number}`,
      from_number: "+15005550143",
      to_number,
      ...said,
    };
    const at = { url: `${publicUrl}/webhooks/${posting}`, at: new Date() };
    await bridge.post(sendblue.sign({ contentType: "application/json", body }, at));
  }
  const { items } = await until(
    async () => (await bridge.admin("GET", `/webhooks?mappingId=${posting}`)).body,
    ({ items: [first] }) => first !== undefined && first.state !== "received",
  );
  expect(items.map(({ state }: { state: string }) => state)).toEqual(["ignored", "ignored"]);
});
