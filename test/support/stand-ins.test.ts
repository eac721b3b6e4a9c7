import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Failure } from "../../src/errors.ts";
import { parseMessageIds } from "../../src/formats/mail-headers.ts";
import type { OutboundMessage, ReceiptStatus } from "../../src/model.ts";
import { complete } from "./kept-mails.ts";
import { allCredentials, providers } from "./providers.ts";
import { createStandIn } from "./stand-ins/from-fixtures.ts";
import { readApi } from "./stand-ins/read-api.ts";
import { serveStandIns } from "./stand-ins/serve.ts";

const url = "https://bridge.example.com/webhooks/5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const at = new Date("2026-11-21T10:00:00.000Z");
const common = { reference: "42", cc: [], bcc: [], attachments: [], references: [], receiptUrl: `${url}?message=42` };
const text: OutboundMessage = { ...common, from: "+15005550019", to: "+15005550016", text: "Grüße & 😀" };
const email: OutboundMessage = {
  ...common,
  ...{ from: "help@example.com", fromName: "Müller, Jo", to: "kim@example.org", subject: "Re: Hello" },
  ...{ cc: ["boss@example.org", "bob@example.org"], bcc: ["archive@example.com"], replyTo: "replies@example.com" },
  ...{ text: "Grüße 😀", html: "<p>Grüße</p>", rfcMessageId: "42.abc@example.com", inReplyTo: "e-1@example.org" },
  references: ["e-0@example.com", "e-1@example.org"],
};
const file = { url: "https://files.example.com/1?a=1&b=2", name: "März.pdf", contentType: "application/pdf" };
const attachments = [{ ...file, content: Buffer.from("%PDF-1.4\n") }];
const standIns = providers.map(({ name, channel }) => createStandIn(name, (channel === "sms" ? text : email).from));

let served: Awaited<ReturnType<typeof serveStandIns>>;
beforeAll(async () => {
  served = await serveStandIns(standIns);
});
afterAll(() => served.stop());

/** Some write a line's end behind it. */
const thanks = /^Thanks "& 😀\s*$/;

/** A message whose texts and addresses are of the provider's channel. */
type Change = Partial<OutboundMessage>;

describe.each(providers.map((provider, index) => ({ ...provider, index })))("the stand-in of $name", (provider) => {
  const { adapter, channel, signer } = provider;
  const standIn = standIns[provider.index] ?? expect.unreachable("there is no stand-in");
  const mail = standIn.takesBcc ? email : { ...email, bcc: [] };
  const message = channel === "sms" ? text : mail;
  const credentials = adapter.credentials.parse(signer.sendCredentials);
  const send = ({ reference = "42", ...change }: Change = {}) => {
    const told = { ...message, reference, receiptUrl: `${url}?message=${reference}`, ...change };
    return adapter.send(told, credentials, served.callApi);
  };
  const means = provider.fixtures.flatMap(({ fixture }) => fixture.means);
  const hasReferences = means.some((each) => each.kind === "receipt" && each.reference !== undefined);
  // AWS has 400 for everything, and Mandrill 500.
  const ofKey = provider.refusals.some(({ answer }) => answer.status === 401) ? [401] : [400, 401, 403, 500];
  const within200 = adapter.refusesWithin200 ? [200] : [];
  const { places } = readApi(provider);
  /** Does a request hold the reference? */
  const isReferred = places.reference !== undefined || places.receiptUrl !== undefined;
  const lastSent = () => standIn.sent.at(-1) ?? expect.unreachable("nothing was sent");
  const failureOf = (sending: Promise<unknown>): Promise<Failure> =>
    sending.then(
      () => expect.unreachable("it was accepted"),
      (failure: Failure) => failure,
    );

  /** Whoever gives it another one does not always say which. */
  const renamed = (id: string) =>
    standIn.renamesSilently ? expect.stringMatching(/^<\w+@renamed\.example\.net>$/) : expect.stringContaining(id);

  test("takes what the adapter sends, reads all of it, and is known by the id that it answered", async () => {
    const { providerMessageId, rfcMessageId } = await send({ attachments });
    if (!places.isRenamed) expect(rfcMessageId).toBeUndefined();
    const { from, to, cc, bcc, subject, html } = message;
    expect(lastSent()).toMatchObject({
      ...{
        id: providerMessageId,
        reference: isReferred ? "42" : undefined,
        from,
        to: [to],
        cc,
        bcc,
        text: message.text,
        subject,
        html,
      },
      media: [channel === "sms" ? file.url : file.name],
    });
    const own = "<42.abc@example.com>";
    if (channel === "email")
      expect(lastSent().headers).toEqual({
        "message-id": places.isRenamed ? renamed(providerMessageId) : own,
        "in-reply-to": "<e-1@example.org>",
        references: `<e-0@example.com> <e-1@example.org>${places.isChained ? ` ${own}` : ""}`,
        "reply-to": "replies@example.com",
      });
    expect((await send({ reference: "43", rfcMessageId: "43@example.com" })).providerMessageId).not.toBe(
      providerMessageId,
    );
  });

  test("carries out a repeated send once where the adapter relies on it, and twice elsewhere", async () => {
    const change = { reference: "45", rfcMessageId: "45@example.com" };
    const { length } = standIn.sent;
    const answers = [await send(change), await send(change)];
    expect(standIn.sent.length - length).toBe(adapter.isIdempotent ? 1 : 2);
    if (adapter.isIdempotent) expect(answers[1]).toEqual(answers[0]);
  });

  test("refuses a wrong key as the provider does", async () => {
    const { length } = standIn.sent;
    for (const [name, value] of Object.entries(allCredentials(provider))) {
      if (value === (signer.credentials as Record<string, unknown>)[name] && !signer.isSigned) continue;
      if (URL.canParse(String(value)) || signer.unsigning?.includes(name)) continue;
      const wrong = String(value).replace(/[0-9a-z](?=\W*$)/i, (last) => (last === "0" ? "1" : "0"));
      const given = { ...(signer.sendCredentials as object), [name]: wrong };
      const refused = await failureOf(adapter.send({ ...message, reference: "46" }, given, served.callApi));
      expect([...ofKey, 404, ...within200], `${name}: ${wrong}`).toContain(refused.status);
    }
    expect(standIn.sent).toHaveLength(length);
  });

  test("refuses a wrong message in the provider's shape, and says what is wrong with it", async () => {
    const { length } = standIn.sent;
    const nobody = channel === "sms" ? "5550006" : "nobody";
    const long = provider.refusals.filter(({ when }) => when);
    const wrongs: [Change, RegExp][] = [
      [{ to: nobody }, /5550006|nobody/],
      // Of who is written to by more than a number, that remains.
      [{ to: "" }, /missing|^@\S+ is no phone number/],
      ...(places.from
        ? ([[{ from: channel === "sms" ? "+0" : "nobody" }, /(^|[ +])0 is|nobody/]] as [Change, RegExp][])
        : []),
      [{ text: "", html: undefined, attachments: [] }, /neither words nor files/],
      ...(channel === "email" ? ([[{ cc: [nobody] }, /nobody/]] as [Change, RegExp][]) : []),
      ...long.map(({ when, error }): [Change, RegExp] => [
        { text: "x".repeat((when?.textLongerThan ?? 0) + 1) },
        new RegExp(error?.message ?? ""),
      ]),
    ];
    for (const [change, words] of wrongs) {
      const refused = await failureOf(send({ ...change, reference: "47" }));
      const said = `${adapter.readError(refused.answer)?.message ?? ""} ${refused.message}`;
      expect(said, JSON.stringify(change)).toMatch(words);
    }
    expect(standIn.sent).toHaveLength(length);
  });

  test("refuses fields, types, content types and paths that no fixture shows", async () => {
    const { length } = standIn.sent;
    const [usual] = provider.sendFixtures.filter(
      ({ fixture }) => !fixture.credentials && fixture.message.attachments.length === 0,
    );
    if (!usual) return expect.unreachable("there are no sends");
    const { request } = usual.fixture;
    const isForm = Array.isArray(request.body);
    const write = (body: unknown) =>
      isForm ? new URLSearchParams(body as [string, string][]) : Buffer.from(JSON.stringify(body));
    const pairs = isForm ? (request.body as [string, string][]) : Object.entries(request.body as object);
    const bodies = [
      [...pairs, ["Unheard", "x"]],
      pairs.slice(1),
      ...(isForm ? [] : [pairs.map(([name], index) => (index === 0 ? [name, 7] : pairs[index]))]),
    ].map((each) => write(isForm ? each : Object.fromEntries(each as [string, unknown][])));
    const type = isForm ? {} : { "content-type": "application/json" };
    const post = async (change: {
      url?: string;
      headers?: Record<string, string>;
      body?: Buffer | URLSearchParams;
    }) => {
      const body = change.body ?? write(request.body);
      const signed = signer.isSigned && Buffer.isBuffer(body) ? resign(body) : {};
      const headers = { ...request.headers, ...type, ...signed, ...change.headers };
      const { method, grant } = request;
      const call = { method, url: request.url, ...(grant ? { grant } : {}), ...change, headers, body };
      return served.callApi(call).then(
        ({ status }) => status,
        (failure: Failure) => failure.status,
      );
    };
    const resign = (body: Buffer) =>
      signer.signSent?.(body) ??
      signer.sign({ contentType: "application/json", body: body.toString() }, { url, at: new Date() }).headers;
    for (const body of bodies) expect([400, 422, ...within200], String(body)).toContain(await post({ body }));
    expect(await post({ headers: { "content-type": "text/plain" } })).toBe(415);
    expect(await post({ url: `${request.url}s` })).toBe(404);
    expect(standIn.sent).toHaveLength(length);
    expect(await post({}), "and takes the fixture itself").toBeLessThan(300);
  });

  test.each<ReceiptStatus>(["sent", "delivered", "read", "failed", "complained"])(
    "reports %s, signed, if it ever does",
    async (status) => {
      const { providerMessageId } = await send({ reference: "44" });
      if (!standIn.statuses.includes(status))
        return expect(() => standIn.receipt(lastSent(), status, { url, at })).toThrow("no webhook");
      const recipient = channel === "email" ? "Boss@Example.org" : undefined;
      const webhook = standIn.receipt(lastSent(), status, { url, at, ...(recipient ? { recipient } : {}) });
      expect(await adapter.verify(webhook, signer.credentials)).toBe(true);
      const events = await adapter.parse(webhook);
      // A receipt may come before the answer to the send: only the reference tells then whose it is.
      const known = hasReferences ? { reference: "44" } : { reference: undefined, providerMessageId };
      expect(events).toMatchObject([{ kind: "receipt", status, ...known }]);
      const [event] = events;
      if (event?.kind !== "receipt") return expect.unreachable("it is no receipt");
      if (event.recipient !== undefined) expect(event.recipient).toBe("boss@example.org");
      expect(event.error).toEqual(
        status === "failed" || status === "complained"
          ? { code: expect.any(String), message: expect.any(String) }
          : undefined,
      );
    },
  );

  const isNamedByProvider = provider.sendFixtures.some(({ fixture }) => !fixture.message.rfcMessageId);
  const chosenIds = ["42.abc@example.com", ...(channel === "email" && isNamedByProvider ? [undefined] : [])];

  test("posts what the person answers, signed, in the thread that the person saw", async () => {
    for (const rfcMessageId of chosenIds) {
      await send({ rfcMessageId });
      const seen = parseMessageIds(lastSent().headers["message-id"])[0];
      if (channel === "email" && seen === undefined) continue;
      const webhook = standIn.answer(lastSent(), { url, at, id: "answer-1", text: 'Thanks "& 😀' });
      // Without the secret that a URL may hold.
      expect(webhook.url.split("?", 1)).toEqual([url]);
      expect(await adapter.verify(webhook, signer.credentials)).toBe(true);
      const events = await adapter.parse(await complete(adapter, allCredentials(provider), webhook));
      expect(events).toMatchObject([
        { kind: "message", from: message.to, cc: [], text: expect.stringMatching(thanks) },
      ]);
      const [event] = events;
      if (event?.kind !== "message") return expect.unreachable("it is no message");
      expect(event.providerMessageId).toMatch(/^answer-1(@mail\.example\.org)?$/);
      expect(event.sentAt ?? at).toEqual(at);
      expect(event.to).toEqual([message.replyTo ?? message.from]);
      const before = parseMessageIds(lastSent().headers["references"]);
      const thread = { inReplyTo: [seen], references: [...new Set([...before, seen])] };
      const mail = { subject: "Re: Hello", rfcMessageId: "answer-1@mail.example.org", ...thread };
      expect(event).toMatchObject(channel === "email" ? mail : { inReplyTo: [], references: [] });
    }
  });

  test("posts what the business sent elsewhere, signed, if it ever does", async () => {
    const told = { id: "elsewhere-1", from: message.from, to: message.to, text: "From elsewhere", subject: "News" };
    const webhook = standIn.sentElsewhere(told, { url, at });
    if (!webhook) return expect(provider.fixtures.map(({ name }) => name)).not.toContain("sent-elsewhere");
    expect(await adapter.verify(webhook, signer.credentials)).toBe(true);
    const { from, to, id } = told;
    const event = { kind: "message", direction: "outbound", providerMessageId: id, from, to: [to], text: told.text };
    expect(await adapter.parse(webhook)).toMatchObject([event]);
  });
});
