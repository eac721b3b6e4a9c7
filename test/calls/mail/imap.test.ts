import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { createServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createImap } from "../../../src/calls/mail/imap.ts";
import { Failure } from "../../../src/errors.ts";
import { imapServers, type TestImap } from "../../support/mail/imap-server.ts";
import { login } from "../../support/mail/smtp-server.ts";
import { tlsOfLocalhost } from "../../support/mail/tls.ts";

const basic = (password: string) => `Basic ${Buffer.from(`${login.user}:${password}`).toString("base64")}`;
const mail = (subject: string, text = "Hello") =>
  ["From: ann@vale.test", "To: box@ours.test", `Subject: ${subject}`, "", text, ""].join("\r\n");

describe.each(imapServers)("a mailbox at $name", ({ start }) => {
  let server: TestImap;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.stop());

  const imap = () => createImap({ timeoutSeconds: 3, allow: [`localhost:${server.port}`], ca: tlsOfLocalhost.cert });
  const requestOf = (folder = "INBOX", authorization = basic(login.password)) => ({
    ...{ url: `imaps://localhost:${server.port}/${folder}`, headers: { authorization }, isToMove: true },
  });

  test("is read by its numbers, told of what comes, and left as it is", async () => {
    await server.append(mail("before"), { at: new Date(Date.now() - 3 * 86_400_000) });
    const mailbox = await imap().open(requestOf());
    expect(await mailbox.listAfter(mailbox.uidNext - 1)).toEqual([]);
    // Longer than the test may take: only the news ends it.
    const news = mailbox.wait(600, new AbortController().signal);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server.append(mail("now", "Grüße"));
    await news;
    const [listed, ...others] = await mailbox.listAfter(mailbox.uidNext - 1);
    expect(others).toEqual([]);
    if (!listed) return expect.unreachable("there is nothing new");
    expect(listed.sizeBytes).toBeGreaterThan(50);
    expect(Math.abs((listed.receivedAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    const [read] = await mailbox.read([listed.uid], { maxBytes: 1000, totalBytes: 1000 });
    expect(read?.raw.toString()).toContain("Subject: now");
    expect((await mailbox.read([listed.uid], { maxBytes: 30, totalBytes: 30 }))[0]?.raw).toHaveLength(30);
    expect(await mailbox.read([listed.uid + 100], { maxBytes: 30, totalBytes: 30 })).toEqual([]);
    const since = await mailbox.listSince(new Date(Date.now() - 60_000));
    expect(since.map(({ uid }) => uid)).toEqual([listed.uid]);
    await mailbox.move([listed.uid], "Done");
    expect(await server.subjects()).toEqual(["before"]);
    expect(await server.subjects("Done")).toEqual(["now"]);
    await mailbox.close();
  });

  test("refuses a wrong password and a folder that is not there, and says so", async () => {
    const failureOf = (working: Promise<unknown>) =>
      working.then(
        () => expect.unreachable("it was let in"),
        (error: unknown) => error as Failure,
      );
    const wrong = await failureOf(imap().open(requestOf("INBOX", basic("hunter2"))));
    expect(wrong).toMatchObject({ reason: "misconfigured", status: 401 });
    expect(JSON.stringify([wrong.message, wrong.answer])).not.toContain("hunter2");
    const request = { method: "GET" as const, ...requestOf("Nowhere") };
    expect(await failureOf(imap().look(request))).toMatchObject({ reason: "rejected", status: 404 });
    expect(await imap().look({ ...request, ...requestOf() })).toMatchObject({ status: 200 });
    const untrusted = createImap({ timeoutSeconds: 3, allow: [`localhost:${server.port}`] });
    expect(await failureOf(untrusted.open(requestOf()))).toMatchObject({ reason: "unreachable" });
    const guarded = createImap({ timeoutSeconds: 3, allow: [], ca: tlsOfLocalhost.cert });
    expect(await failureOf(guarded.open(requestOf()))).toMatchObject({
      ...{ reason: "misconfigured", message: expect.stringContaining("not public") },
    });
    expect(wrong).toBeInstanceOf(Failure);
  });
});

const flooding = "x".repeat(100_000);
/** What a server says without an end, once it is asked for something. */
const floods: [string, Partial<Record<"greeting" | "SELECT" | "SEARCH" | "FETCH", [string, string]>>][] = [
  ["a line that never ends, for a greeting", { greeting: ["* OK ", flooding] }],
  ["a line that never ends, for a folder", { SELECT: ["* OK ", flooding] }],
  [
    "mails that nobody has",
    { FETCH: ["", '* 1 FETCH (UID 7 RFC822.SIZE 9 INTERNALDATE "21-Nov-2026 10:00:00 +0000")\r\n'.repeat(1000)] },
  ],
  ["numbers of mails that nobody has", { SEARCH: ["* SEARCH", " 123456789".repeat(10_000)] }],
  [
    "a mail of a gigabyte that it said to be small",
    { FETCH: ["* 1 FETCH (UID 7 BODY[]<0> {1000000000}\r\n", flooding] },
  ],
];

describe("a mailbox whose server never stops to talk", () => {
  test.each(floods)("is closed, and so it is told: %s", async (_what, says) => {
    const server = await startFlood(says);
    const imap = createImap({ timeoutSeconds: 20, allow: [`localhost:${server.port}`], ca: tlsOfLocalhost.cert });
    const asking = async () => {
      const headers = { authorization: basic("x") };
      const mailbox = await imap.open({ url: `imaps://localhost:${server.port}/INBOX`, headers, isToMove: false });
      if (says.SEARCH) await mailbox.listSince(new Date());
      if (says.FETCH?.[0]) await mailbox.read([7], { maxBytes: 1_000_000, totalBytes: 1_000_000 });
      await mailbox.listAfter(0);
    };
    await expect(asking()).rejects.toBeInstanceOf(Failure);
    expect(server.said()).toBeLessThan(150_000_000);
    server.stop();
  });
});

async function startFlood(says: (typeof floods)[number][1]) {
  let said = 0;
  const server = createServer(tlsOfLocalhost, (socket) => {
    const say = (words: string) => {
      said += words.length;
      return socket.write(words);
    };
    const flood = ([first, again]: [string, string]) => {
      say(first);
      const more = () => {
        while (!socket.destroyed && said < 400_000_000 && say(again));
      };
      socket.on("drain", more);
      more();
    };
    socket.on("error", () => undefined);
    if (says.greeting) return flood(says.greeting);
    say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n");
    const lines = createInterface({ input: socket }).on("error", () => undefined);
    lines.on("line", (line) => {
      const [tag, ...words] = line.split(" ");
      const command = words.find(
        (word) => word in says || word === "SELECT" || word === "EXAMINE",
      ) as keyof typeof says;
      const name = (command as string) === "EXAMINE" ? "SELECT" : command;
      const given = says[name];
      if (given) return flood(given);
      if (name === "SELECT") say("* 1 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT 8]\r\n");
      say(`${tag} OK done\r\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, said: () => said, stop: () => server.close() };
}
