import { z } from "zod";
import type { Finding } from "../../model.ts";
import { isSame } from "../../secrets/compare.ts";
import { compareUrls, judgeUrl } from "../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { listOf, maybeText, requiredText, text } from "../kit/fields.ts";
import { numberOf } from "../sms/evolution/read-message.ts";
import { callOf, type WahaServer } from "../sms/waha/call.ts";

interface Credentials extends WahaServer {
  session: string;
  hmacKey: string;
}

interface Asked {
  credentials: Credentials;
  webhookUrl: string;
  ask: Ask;
}

/** What a WAHA tells of a session: is it connected, by which number, and where does it post? */
export const wahaChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: findSession },
  { check: "address", findOf: findNumber },
];

/** https://waha.devlike.pro/docs/how-to/sessions */
const session = z.object({
  status: requiredText,
  me: z.object({ id: maybeText }).nullish(),
  config: z
    .object({
      webhooks: listOf(
        z.object({ url: maybeText, events: listOf(text), hmac: z.object({ key: maybeText }).nullish() }),
      ),
    })
    .nullish(),
});
type Webhook = NonNullable<z.infer<typeof session>["config"]>["webhooks"][number];

function askSession({ credentials, ask }: Asked) {
  const call = callOf(credentials, `sessions/${encodeURIComponent(credentials.session)}`);
  return ask({ method: "GET", ...call }, session);
}

async function findSession(asked: Asked): Promise<Finding[]> {
  const { status, config } = await askSession(asked);
  const findings = [ok("credentials", "WAHA takes the key"), judgeStatus(status)];
  return [...findings, ...judgeWebhooks(config?.webhooks ?? [], asked)];
}

function judgeStatus(status: string): Finding {
  if (status === "WORKING") return ok("connection", "the session is connected to WhatsApp");
  const advice = status === "SCAN_QR_CODE" ? "scan the QR code in WAHA's dashboard with the phone" : "start it anew";
  return failure("connection", `the session is not connected to WhatsApp: it is ${status}`, advice);
}

const place = "the session's webhook";

function judgeWebhooks(webhooks: Webhook[], { credentials: { hmacKey }, webhookUrl }: Asked): Finding[] {
  const isOurs = ({ url }: Webhook) => compareUrls(url ?? "", webhookUrl) === "same";
  const found = webhooks.find(isOurs) ?? webhooks[0];
  if (!found) {
    const detail =
      "the session has no webhook: nothing arrives, unless WHATSAPP_HOOK_URL of the server is the webhookUrl";
    return [warning("webhook", detail, "give the session a webhook with the mapping's webhookUrl")];
  }
  const judged = judgeUrl("webhook", found.url, webhookUrl, place);
  return judged.state === "ok" ? [judged, judgeKey(found, hmacKey), ...judgeEvents(found)] : [judged];
}

function judgeKey({ hmac }: Webhook, hmacKey: string): Finding {
  if (hmac?.key && isSame(hmac.key, hmacKey)) return ok("key", `${place} has the mapping's HMAC key`);
  const which = hmac?.key ? "another HMAC key than the mapping" : "no HMAC key";
  return failure("key", `${place} has ${which}: all that comes is answered 401`, "give both the same");
}

function judgeEvents({ events }: Webhook): Finding[] {
  const has = (event: string) => events.includes(event) || events.includes("*") || events.includes("message.*");
  const missing = ["message.any", "message.ack"].filter((event) => !has(event));
  if (missing.length === 0) return [];
  const detail = `${place} is not told of ${missing.join(" and ")}`;
  const advice = "add what is missing to its events";
  return [has("message") || has("message.any") ? warning("events", detail, advice) : failure("events", detail, advice)];
}

async function findNumber(address: string, asked: Asked): Promise<Finding[]> {
  const number = numberOf((await askSession(asked)).me?.id);
  // The session's state says why.
  if (number === undefined) return [];
  if (number === address) return [ok("address", `the session is of ${address}`)];
  const advice = "give the name of the session with this number, or map the other number";
  return [failure("address", `the session is of ${number}, and not of ${address}`, advice)];
}
