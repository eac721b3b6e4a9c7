import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { signer } from "../../test/fixtures/mailgun/sign.ts";
import { conversationProviderId, locationAt, startBridgeProcess } from "../bridge.ts";
import type { Lab } from "../lab.ts";
import type { Finding } from "../report.ts";
import { untilAccepted } from "../systems.ts";
import { residentMegabytes } from "./memory.ts";

const mailBytes = 25_000_000;
/** Each with a URL of its own: what one URL may have in memory is less. */
const mailboxes = Array.from({ length: 5 }, (_, index) => `support${index}@example.com`);

/**
 * Mails of 25 MB to five mailboxes that are all posted at one time, by senders that come again when they are told to: how much memory the
 * process takes, and whether each arrives.
 */
export async function measureLargeMails(lab: Lab): Promise<Finding> {
  const count = lab.scaled(100);
  const sandbox = await lab.startSandbox();
  const location = locationAt(0);
  const providers = [{ id: conversationProviderId, channel: "email" as const, extra: true }];
  await sandbox.ask("putLocations", [{ ...location, providers }]);
  const databaseUrl = await lab.newDatabase();
  const bridge = await startBridgeProcess(lab, { DATABASE_URL: databaseUrl, HIGHLEVEL_URL: sandbox.url });
  await bridge.admin("PUT", `/locations/${location.id}`, { token: location.token });
  const mappings: Mailbox[] = [];
  for (const address of mailboxes) {
    const mapping = { provider: "mailgun", address, credentials: signer.credentials, locationId: location.id };
    const { id } = await bridge.admin("POST", "/mappings?check=false", { ...mapping, conversationProviderId });
    mappings.push({ address, mappingId: id });
  }

  const megabytes: number[] = [];
  const watching = setInterval(() => megabytes.push(residentMegabytes(bridge.pid)), 100);
  lab.atEnd(async () => clearInterval(watching));
  const started = performance.now();
  const line = `${"QUFB".repeat(19)}\r\n`;
  const file = Buffer.from(line.repeat(Math.ceil(mailBytes / line.length)));
  const comebacks = await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const mailbox = mappings[index % mappings.length];
      if (!mailbox) throw new Error("there is no mailbox");
      return post({ ...mailbox, port: bridge.port, index, file });
    }),
  );
  const taken = performance.now() - started;
  await untilAccepted(sandbox, count);
  clearInterval(watching);
  const distinct = await sandbox.ask("distinctCount");
  await bridge.stop();
  const most = Math.round(Math.max(...megabytes));
  return {
    measure: "large-mails",
    rows: [
      {
        what: `memory (RSS) while ${count} mails of 25 MB come to ${mailboxes.length} URLs at one time, at most`,
        ...{ value: most, unit: "MB", bar: { is: "under", value: 600 } },
        note: `${count - distinct} lost; all were taken after ${Math.round(taken / 1000)} s, and senders came again ${sum(comebacks)} times`,
      },
      { what: "mails of them lost", value: count - distinct, unit: "", bar: { is: "under", value: 1 } },
    ],
    details: { comebacks, megabytes, takenMs: taken },
  };
}

const sum = (counts: number[]) => counts.reduce((all, each) => all + each, 0);

interface Mailbox {
  address: string;
  mappingId: string;
}

interface Posted extends Mailbox {
  port: number;
  index: number;
  /** What all mails have attached. */
  file: Buffer;
}

/** Until it is taken; gives how often it was told to come again. */
async function post({ port, mappingId, address, index, file }: Posted): Promise<number> {
  const mime = [
    ...[`From: Rosa <rosa${index}@client.example>`, `To: ${address}`, `Message-ID: <${index}@client.example>`],
    ...["MIME-Version: 1.0", "Content-Type: application/pdf; name=plans.pdf", "Content-Transfer-Encoding: base64"],
  ].join("\r\n");
  for (let comebacks = 0; ; comebacks++) {
    const fields = { recipient: address, sender: `rosa${index}@client.example`, ...signed(), "body-mime": "" };
    const form = Object.entries(fields).map(
      ([name, value]) => `--form\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    const head = form.join("").replace(/\r\n$/, `${mime}\r\n\r\n`);
    const body = [Buffer.from(head), file, Buffer.from("\r\n--form--\r\n")];
    const status = await postOnce({ port, path: `/webhooks/${mappingId}`, body });
    if (status === 200) return comebacks;
    if (![0, 408, 503].includes(status)) throw new Error(`mail ${index} was answered ${status}`);
    await sleep(500 + Math.random() * 1000);
  }
}

/** https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks: the body is not covered. */
function signed() {
  const { signingKey } = signer.credentials as { signingKey: string };
  const [timestamp, token] = [String(Math.floor(Date.now() / 1000)), randomBytes(25).toString("hex")];
  const signature = createHmac("sha256", signingKey)
    .update(timestamp + token)
    .digest("hex");
  return { timestamp, token, signature };
}

/** Its status; 0 where the connection ended while the body was on its way, as it may after an early answer. */
async function postOnce({ port, path, body }: { port: number; path: string; body: Buffer[] }): Promise<number> {
  const headers = {
    "content-type": "multipart/form-data; boundary=form",
    "content-length": sum(body.map(({ length }) => length)),
  };
  const req = request({ port, host: "127.0.0.1", path, method: "POST", headers, agent: false });
  const answer = once(req, "response").then(
    ([res]) => {
      res.resume();
      return res.statusCode as number;
    },
    () => 0,
  );
  req.on("error", () => undefined);
  for (const piece of body) req.write(piece);
  req.end();
  return answer;
}
