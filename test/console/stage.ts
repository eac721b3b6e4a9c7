import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { emailProviderId, locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";

export interface Stage {
  bridge: TestBridge;
  /** Integrators': of the location for writing and for reading, and of another location. */
  keys: { own: string; reading: string; other: string };
  /** Has a message of the person arrive, at the mapping to which most came or at another one. */
  write(id: string, mapping?: string | number): Promise<void>;
  /** A webhook for a number that is not mapped. */
  misdirect(id: string): Promise<void>;
  /** What there is of the location. */
  ids: Record<"mapping" | "message" | "dead" | "failed" | "webhook" | "replay" | "quiet", string | number>;
}

export const otherLocation = "location-2";
export const person = "+15005550006";
/** Nobody but the location's keys may see it. */
export const secretWords = "the words that only location 1 may read";

/** Markup, a change of direction, one word of 100 kB, and what is neither. */
const hostile = [
  `<script>window.broken = true</script><img src=x onerror="window.broken = true">`,
  `"><iframe srcdoc="<script>parent.broken = true</script>"></iframe>`,
  "\u202E\u2066 turned \u202E",
  "w".repeat(100_000),
  "{{7*7}} </textarea></title></style> &lt;b&gt; ' \"",
];

/** What a tracker, a script and a page of somebody else's would do. */
const hostileHtml = `<p>The letter</p><script>parent.broken = true</script><meta http-equiv="refresh" content="0;url=https://evil.example/r">
<img src="https://evil.example/pixel.gif" onerror="parent.broken = true"><link rel="stylesheet" href="https://evil.example/x.css">
<form action="https://evil.example/f"><button>Win</button></form><a href="https://evil.example/a" target="_top">out</a>`;

/** A bridge with one location and something of each kind in it: what arrived, what was given up, what cannot be read. */
export async function startStage(): Promise<Stage> {
  const bridge = await startTestBridge({ config: { bodyLimitBytes: { sms: 1_000_000, email: 1_000_000 } } });
  await bridge.admin("PUT", `/locations/${otherLocation}`, { name: "Other", token: "token-2" });
  const makeKey = async (limits: Record<string, unknown>): Promise<string> =>
    (await bridge.admin("POST", "/keys", { name: "Acme", ...limits })).body.key;
  const keys = {
    own: await makeKey({ locationIds: [locationId], access: "write" }),
    reading: await makeKey({ locationIds: [locationId], access: "read" }),
    other: await makeKey({ locationIds: [otherLocation], access: "write" }),
  };
  const holding = await bridge.addMapping({ ...text("+15005550009"), name: "Front desk", unknownSender: "hold" });
  const posting = await bridge.addMapping({ ...text("+15005550010"), name: `${hostile[0]}${"w".repeat(100)}` });
  const quiet = await bridge.addMapping(text("+15005550011"));
  const mailbox = { provider: "generic-email", conversationProviderId: emailProviderId };
  const mailing = await bridge.addMapping({ ...text("shop@example.com"), ...mailbox });
  await write(bridge, posting, { id: "m-0", from: person, to: "+15005550010", text: `Hello, ${secretWords}` });
  for (const [index, words] of hostile.entries())
    await write(bridge, posting, {
      id: `h-${index}`,
      from: `+1500555${4000 + index}`,
      to: "+15005550010",
      text: words,
    });
  await write(bridge, holding, { id: "m-1", from: person, to: "+15005550009", text: `Held, ${secretWords}` });
  await write(bridge, holding, { id: "m-2", from: person, to: "+15005550001", text: "to another number" });
  const mail = { from: `${person.replace("+", "p")}@example.org`, to: "shop@example.com", subject: hostile[0] };
  await write(bridge, mailing, { ...mail, id: "e-1", messageId: "<e-1@example.org>", text: "Hi", html: hostileHtml });
  const first = async (path: string) => {
    const { body } = await until(
      () => bridge.admin("GET", path),
      (answer) => answer.body.items.length > 0,
    );
    return body.items[0];
  };
  await until(
    () => bridge.sandbox.messages(),
    (posted) => posted.length === hostile.length + 2,
  );
  const dead = await first("/deliveries?state=dead");
  const none = { of: "deliveries", kind: "post-inbound", until: "2020-01-01T00:00:00Z" };
  const replay = await fetch(`${bridge.url}/admin/replays`, {
    method: "POST",
    headers: { authorization: `Bearer ${keys.own}`, "content-type": "application/json" },
    body: JSON.stringify(none),
  });
  const ids = {
    replay: ((await replay.json()) as { id: number }).id,
    ...{ mapping: holding, quiet },
    message: dead.messageId,
    dead: dead.id,
    failed: (await first("/webhooks?state=failed")).id,
    webhook: (await first("/webhooks?state=processed")).id,
  };
  const numbers = { [posting]: "+15005550010", [quiet]: "+15005550011" };
  return {
    ...{ bridge, keys, ids },
    misdirect: (id) => write(bridge, holding, { id, from: person, to: "+15005550001", text: "to another number" }),
    write: (id, mapping = posting) =>
      write(bridge, String(mapping), { id, from: person, to: numbers[mapping], text: secretWords }),
  };
}

async function write(bridge: TestBridge, mapping: string, data: Record<string, unknown>): Promise<void> {
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  const answer = await bridge.post(
    genericSms.sign(sample, { url: `${publicUrl}/webhooks/${mapping}`, at: new Date() }),
  );
  if (answer.status >= 300) throw new Error(`the webhook was answered ${answer.status}`);
}

const text = (address: string) => ({
  locationId,
  provider: "generic-sms",
  address,
  conversationProviderId: smsProviderId,
  credentials: genericSms.credentials,
});
