import { z } from "zod";
import type { Finding } from "../../model.ts";
import { compareUrls, judgeUrl } from "../kit/checks/compare-urls.ts";
import { ok, warning } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { listOf, maybeText } from "../kit/fields.ts";

interface Credentials {
  serverToken: string;
  messageStream?: string | undefined;
}

/** What Postmark tells of a server and its webhooks. Which mailboxes are sent on to it, it does not know. */
export const postmarkChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, webhookUrl, ask }) => findServer(credentials, webhookUrl, ask) },
  { check: "receipts", find: ({ credentials, webhookUrl, ask }) => findReceipts(credentials, webhookUrl, ask) },
];

const get = ({ serverToken }: Credentials, path: string, query: Record<string, string> = {}) => {
  const headers = { accept: "application/json", "x-postmark-server-token": serverToken };
  return { method: "GET" as const, url: `https://api.postmarkapp.com${path}`, query, headers };
};

const url = z.string().nullish();
/** https://postmarkapp.com/developer/api/server-api */
const server = z.object({ Name: maybeText, InboundHookUrl: url, DeliveryType: maybeText });

async function findServer(credentials: Credentials, webhookUrl: string, ask: Ask): Promise<Finding[]> {
  const { Name, InboundHookUrl, DeliveryType } = await ask(get(credentials, "/server"), server);
  const name = Name ? ` "${Name}"` : "";
  const taken =
    DeliveryType === "Sandbox"
      ? warning(
          "credentials",
          `the server${name} is a sandbox, which delivers nothing`,
          "give the token of a live server",
        )
      : ok("credentials", `Postmark takes the token, of the server${name}`);
  return [taken, judgeUrl("webhook", InboundHookUrl, webhookUrl, "the server's inbound webhook")];
}

const isOn = z.object({ Enabled: z.boolean().nullish() }).nullish();
/** https://postmarkapp.com/developer/api/webhooks-api */
const webhooks = z.object({
  Webhooks: listOf(
    z.object({
      Url: url,
      HttpAuth: z.object({ Username: maybeText, Password: maybeText }).nullish(),
      Triggers: z.object({ Delivery: isOn, Bounce: isOn, SpamComplaint: isOn }).nullish(),
    }),
  ),
});
type Webhook = z.infer<typeof webhooks>["Webhooks"][number];

async function findReceipts(credentials: Credentials, webhookUrl: string, ask: Ask): Promise<Finding[]> {
  const { messageStream: stream = "outbound" } = credentials;
  const { Webhooks: all } = await ask(get(credentials, "/webhooks", { MessageStream: stream }), webhooks);
  const ours = all.filter((each) => compareUrls(urlOf(each), webhookUrl) === "same");
  const triggers = ["Delivery", "Bounce", "SpamComplaint"] as const;
  const missing = triggers.filter((name) => !ours.some(({ Triggers }) => Triggers?.[name]?.Enabled));
  if (missing.length === 0)
    return [ok("receipts", `the stream "${stream}" tells of deliveries, bounces and complaints`)];
  const detail = `the stream "${stream}" does not tell this mapping's webhookUrl of ${missing.join(", ")}`;
  return [warning("receipts", detail, "add the webhookUrl to the stream's webhooks, with these events")];
}

/** A user name and a password may stand in the URL, or beside it. */
function urlOf({ Url, HttpAuth }: Webhook): string {
  if (!Url || !URL.canParse(Url) || !HttpAuth?.Username) return Url ?? "";
  const whole = new URL(Url);
  whole.username = encodeURIComponent(HttpAuth.Username);
  whole.password = encodeURIComponent(HttpAuth.Password ?? "");
  return whole.href;
}
