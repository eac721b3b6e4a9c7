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
    const [read] = await mailbox.read([listed.uid]);
    expect(read?.raw.toString()).toContain("Subject: now");
    expect((await mailbox.read([listed.uid], 30))[0]?.raw).toHaveLength(30);
    expect(await mailbox.read([listed.uid + 100], 30)).toEqual([]);
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
