import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { ReceiptStatus, TextService } from "../../../src/model.ts";
import type { Contact, StoredMessage } from "../../../src/sandbox/state.ts";
import { copyMigrated } from "../../support/database.ts";
import { locationId } from "../../support/location.ts";
import { providerOf, providers } from "../../support/providers.ts";
import { createRandom, shuffle } from "../../support/random.ts";
import { makeFaulty, type SendFault } from "../../support/stand-ins/faulty.ts";
import type { StandIn, StandInMessage } from "../../support/stand-ins/stand-in.ts";
import { startTwoWay, type TwoWay, type Way } from "../../support/two-way.ts";
import { until } from "../../support/until.ts";
import { writeMessage } from "../../support/write-webhooks.ts";

const random = createRandom(20_261_121);
const messagesPerConversation = 14;
const conversationsPerWay = Math.ceil(300 / messagesPerConversation / providers.length);

/** What became of one message at its provider, by what it says: all that the bridge could know. */
interface Fate {
  /** The provider took it, so many times. */
  taken: number;
  isRefused: boolean;
  /** The provider took it, and the bridge never had the answer. */
  isOpen: boolean;
  /** Its answer was lost; a provider that carries out a repeat once is asked again, while the mapping may send. */
  isInDoubt: boolean;
  /** The provider knows it by our own Message-ID: so do the reports that come as mail. */
  isByOurId: boolean;
  /** What the provider tells in its receipts. */
  receipts: ReceiptStatus[];
}
const fates = new Map<string, Fate>();
const fateOf = (token: string): Fate => {
  const fate = fates.get(token) ?? {
    taken: 0,
    isRefused: false,
    isOpen: false,
    isInDoubt: false,
    isByOurId: false,
    receipts: [],
  };
  fates.set(token, fate);
  return fate;
};
const tokenOf = ({ text = "", html = "" }: Pick<StandInMessage, "text" | "html">) =>
  /[a-z-]+#\d+#\d+/.exec(text + html)?.[0] ?? "";

function drawFault(): SendFault | undefined {
  const drawn = random();
  if (drawn < 0.05) return { kind: "unavailable" };
  if (drawn < 0.08) return { kind: "throttled", retryAfterSeconds: random() < 0.7 ? 0 : 1 };
  if (drawn < 0.12) return { kind: "broken" };
  if (drawn < 0.16) return { kind: "cut" };
  return drawn < 0.2 ? { kind: "refused" } : undefined;
}

const plans: ReceiptStatus[][] = [
  ["sent", "delivered"],
  ["sent", "delivered"],
  ["delivered", "delivered"],
  ["sent", "delivered", "read"],
  ["sent", "failed"],
  ["failed"],
  [],
];

let twoWay: TwoWay;
let database: Awaited<ReturnType<typeof copyMigrated>>;
const told: Promise<void>[] = [];

beforeAll(async () => {
  database = await copyMigrated(inject);
  // A call that a busy machine is slow to answer is none whose outcome nobody knows.
  twoWay = await startTwoWay({ databaseUrl: database.url, wrap, config: { highlevelTimeoutSeconds: 30 } });
});
afterAll(async () => {
  await twoWay.stop();
  await database.drop();
});

/** Draws a fault for each call, and notes it with the message that it was for. */
function wrap(standIn: StandIn): StandIn {
  const { isIdempotent } = providerOf(standIn.provider).adapter;
  return makeFaulty(standIn, {
    draw: drawFault,
    onTaken: async (_standIn, message, fault) => {
      const fate = fateOf(tokenOf(message));
      fate.taken++;
      fate.isInDoubt = fault?.kind === "broken" || fault?.kind === "cut";
      fate.isOpen = fate.isInDoubt && !isIdempotent;
      fate.isByOurId = message.headers["message-id"] === `<${message.id}>`;
      // Of many of those nobody tells anything ever.
      const plan = (fate.isOpen && random() < 0.5 ? undefined : plans[Math.floor(random() * plans.length)]) ?? [];
      fate.receipts = plan.filter((status) => standIn.statuses.includes(status));
      const receipts = shuffle(fate.receipts, random);
      const before = Math.floor(random() * (receipts.length + 1));
      for (const status of receipts.slice(0, before)) await tell(standIn, message, status);
      for (const status of receipts.slice(before)) {
        told.push(sleep(random() * 400).then(() => tell(standIn, message, status)));
      }
    },
    onRefused: (_standIn, message) => {
      fateOf(tokenOf(message)).isRefused = true;
    },
  });
}

async function tell(standIn: StandIn, message: StandInMessage, status: ReceiptStatus): Promise<void> {
  const way = twoWay.ways[standIn.provider];
  if (way) await twoWay.tell(way, message, status);
}

/** By what the people of a way write: in turn, where it carries more than SMS. */
function servicesOf({ provider }: Way): (TextService | undefined)[] {
  const { adapter, signer } = providerOf(provider);
  return [undefined, ...adapter.services.filter((service) => !signer.numbersLack?.includes(service))];
}
const by = (service: TextService | undefined, number: string) => (service ? `${service}:${number}` : number);

/** The person writes, and HighLevel shows it: not before it is settled by what the agent's last one goes. */
async function hear(way: Way, phone: string, token: string, service: TextService | undefined): Promise<void> {
  await until(
    async () => (await twoWay.bridge.admin("GET", `/webhooks?mappingId=${way.mappingId}&state=received`)).body.items,
    ({ length }) => length === 0,
    60,
  );
  const id = inboundId(token);
  const parties = { from: by(service, phone), to: by(service, way.address) };
  const webhook = writeMessage(
    providerOf(way.provider),
    { id, text: "And now?", ...parties },
    { url: way.webhookUrl, at: new Date() },
  );
  expect((await twoWay.bridge.post(webhook)).status).toBe(200);
  await until(
    () => heard(id),
    (count) => count > 0,
    60,
  );
}
const inboundId = (token: string) => `to-${token.replaceAll("#", "-")}`;
const heard = (id: string) => twoWay.bridge.sandbox.messages().filter(({ altId }) => altId === id).length;

interface Written {
  way: Way;
  /** By what the person wrote last. */
  service: TextService | undefined;
  contact: Contact;
  token: string;
  message: StoredMessage;
}

/**
 * An agent writes on when HighLevel has had the bridge take the last one. Where the way carries WhatsApp or RCS beside SMS, the
 * person writes before each, by these in turn.
 */
async function converse(way: Way, person: number): Promise<Written[]> {
  const phone = `+1500${5_570_000 + ++contacts}`;
  const email = `${way.provider}${person}@example.org`;
  const { sandbox } = twoWay.bridge;
  const contact = sandbox.addContact({ locationId, ...(way.channel === "sms" ? { phone } : { email }) });
  const mine: Written[] = [];
  for (let number = 0; number < messagesPerConversation; number++) {
    const token = `${way.provider}#${person}#${number}`;
    const services = servicesOf(way);
    const service = services[number % services.length];
    if (services.length > 1) await hear(way, phone, token, service);
    const body = way.channel === "sms" ? { message: token } : { html: `<p>${token}</p>`, subject: `About ${person}` };
    const message = sandbox.sendAsAgent(contact.id, { providerId: way.providerId, ...body });
    mine.push({ way, service, contact, token, message });
    const call = sandbox.webhookCalls().find((each) => each.body["messageId"] === message.messageId);
    await until(
      () => call?.status,
      (status) => status === 200,
      30,
    );
  }
  written.push(...mine);
  return mine;
}
const written: Written[] = [];
let contacts = 0;

/** What HighLevel must show in the end. */
function expectedStatus(written: Written): string {
  const { way, token } = written;
  const { isRefused, isInDoubt, isByOurId, receipts, ...fate } = fateOf(token);
  if (isRefused) return "failed";
  const isOpen = fate.isOpen || (isInDoubt && reasonOf(written).includes("it is not asked for again"));
  // Without the answer nothing tells whose its receipts are.
  const isUnknown = providerOf(way.provider).adapter.receiptsLackReference && !isByOurId;
  if (isOpen && isUnknown) return "failed";
  const last = (["read", "failed", "delivered"] as const).find((status) => receipts.includes(status));
  if (last) return last;
  if (isOpen) return "failed";
  return way.channel === "sms" ? "pending" : "sent";
}

/** Why HighLevel says that it failed. */
function reasonOf({ way, contact, message }: Written): string {
  if (way.channel === "sms") return `${message.error?.message} (${message.error?.code})`;
  return message.recipients?.[contact.email ?? ""]?.failReason ?? "";
}

/** One before it had bounced for good, or was refused as the person wants no more: then no more are sent. */
function isSilenced(each: Written): boolean {
  const [way, person, number] = each.token.split("#");
  const isBefore = (token: string) => {
    const [, of, before] = token.split("#");
    return token.startsWith(`${way}#`) && of === person && Number(before) < Number(number);
  };
  const hasFailed = ({ isRefused, receipts }: Fate) => isRefused || receipts.includes("failed");
  const isReason = [...fates].some(([token, fate]) => isBefore(token) && hasFailed(fate));
  return isReason && reasonOf(each).includes("(opted_out)");
}

const nothingLeft = async () => {
  const { admin } = twoWay.bridge;
  return [
    ...(await admin("GET", "/webhooks?state=received&limit=1")).body.items,
    ...(await admin("GET", "/deliveries?state=pending&limit=1")).body.items,
  ].length;
};

/**
 * The hours of each mapping end and begin again, and some may send one a day, until that is taken back: at first not before both
 * have held something back, and then now and then until it is over.
 */
async function holdNowAndThen(isOver: () => boolean): Promise<void> {
  const clock = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
  const open = { sendFrom: null, sendUntil: null, timeZone: null, dailyCap: null };
  const closed = [
    { sendFrom: clock(2), sendUntil: clock(3), timeZone: "UTC" },
    { dailyCap: 1, timeZone: "UTC" },
  ];
  const change = async ({ mappingId }: Way, settings: object) =>
    expect(await twoWay.bridge.admin("PATCH", `/mappings/${mappingId}`, settings)).toMatchObject({ status: 200 });
  const isHeld = (by: string) =>
    twoWay.bridge.logLines.some(({ event, reason }) => event === "delivery.held" && reason === by);
  for (let turn = 0; !isOver() || turn === 0; turn += 2) {
    const some = Object.values(twoWay.ways).filter(
      (_, index) => index % 4 === turn % 4 || index % 4 === (turn + 1) % 4,
    );
    for (const [index, way] of some.entries()) await change(way, closed[index % 2] ?? open);
    if (turn > 0) await sleep(1000);
    else await until(() => ["outside_window", "daily_cap"].every(isHeld), Boolean, 120);
    for (const way of some) await change(way, open);
  }
}

test("300 messages of all providers that fail on a fifth, and are held now and then: each sent at most once, in order, and its fate known", async () => {
  const ways = Object.values(twoWay.ways);
  const people = Array.from({ length: conversationsPerWay }, (_, person) => person);
  let isWritten = false;
  const holding = holdNowAndThen(() => isWritten);
  await Promise.all(ways.flatMap((way) => people.map((person) => converse(way, person)))).finally(() => {
    isWritten = true;
  });
  await holding;
  expect(written.length).toBeGreaterThanOrEqual(300);
  await until(nothingLeft, (left) => left === 0, 240);
  await Promise.all(told);
  await until(nothingLeft, (left) => left === 0, 240);

  const broken = twoWay.bridge.logLines.filter(({ event }) => /\.broke$|^worker\.failed$/.test(String(event)));
  expect(broken).toEqual([]);
  for (const reason of ["outside_window", "daily_cap"])
    expect(twoWay.bridge.logLines).toContainEqual(expect.objectContaining({ event: "delivery.held", reason }));

  const wrong = written.flatMap((each) => {
    const { taken, isRefused } = fateOf(each.token);
    if (taken === 0 && isSilenced(each)) return [];
    const problems = [
      taken + Number(isRefused) === 1 ? "" : `taken ${taken} times, refused: ${isRefused}`,
      each.message.status === expectedStatus(each) ? "" : `is ${each.message.status}, not ${expectedStatus(each)}`,
    ].filter(Boolean);
    const known = () => JSON.stringify({ ...fateOf(each.token), reason: reasonOf(each) });
    return problems.map((problem) => `${each.token} ${problem} ${known()}`);
  });
  expect(wrong).toEqual([]);

  const refused = written.filter(({ token }) => fateOf(token).isRefused);
  expect(refused.length, "of 12 on average").toBeGreaterThan(2);
  for (const each of refused) {
    const { code, message } = each.way.standIn.refusal.error ?? { code: "", message: "" };
    // A refusal within a success is told by the adapter, which knows the provider by its label.
    const { provider } = each.way;
    const names = [provider, providerOf(provider).adapter.label];
    expect(names.map((name) => `${message} (${name} ${code}) (${code})`)).toContain(reasonOf(each));
  }
  const open = written.filter(({ token }) => fateOf(token).isOpen && fateOf(token).receipts.length === 0);
  expect(open.length, "of 8 on average").toBeGreaterThan(0);
  for (const each of open) expect(reasonOf(each)).toContain("nobody can say whether it went out");

  const mixed = written.filter(({ way }) => servicesOf(way).length > 1);
  expect(mixed.length).toBeGreaterThan(0);
  const astray = mixed.flatMap(({ way, service, contact, token }) => {
    const sent = way.standIn.sent.filter((each) => tokenOf(each) === token);
    const parties = [by(service, way.address), by(service, contact.phone ?? "")];
    return sent.map(({ from, to }) => [from, ...to]).filter((each) => each.join() !== parties.join());
  });
  expect(astray, "each goes by what the person wrote by last").toEqual([]);
  expect(mixed.filter(({ token }) => heard(inboundId(token)) !== 1)).toEqual([]);

  for (const { standIn } of ways) {
    expect(new Set(standIn.sent.map(tokenOf)).size).toBe(standIn.sent.length);
    for (const person of people) {
      const numbers = standIn.sent.map(tokenOf).flatMap((token) => {
        const [, of, number] = token.split("#");
        return Number(of) === person ? Number(number) : [];
      });
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  }
}, 600_000);
