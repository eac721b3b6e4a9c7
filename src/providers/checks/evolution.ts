import { z } from "zod";
import type { Finding } from "../../model.ts";
import { judgeUrl } from "../kit/checks/compare-urls.ts";
import { failure, ok } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { at, listOf, maybeText, requiredText, text } from "../kit/fields.ts";

interface Credentials {
  serverUrl: string;
  instance: string;
  apiKey: string;
}

interface Asked {
  credentials: Credentials;
  webhookUrl: string;
  ask: Ask;
}

/** What an Evolution API tells of an instance: is it connected, and where does it post? */
export const evolutionChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: findInstance },
  { check: "webhook", find: findWebhook },
];

const get = ({ serverUrl, instance, apiKey }: Credentials, path: string) => {
  const url = `${serverUrl.replace(/\/+$/, "")}/${path}/${encodeURIComponent(instance)}`;
  return { method: "GET" as const, url, headers: { apikey: apiKey } };
};

async function findInstance({ credentials, ask }: Asked): Promise<Finding[]> {
  const state = await ask(get(credentials, "instance/connectionState"), at("instance.state", requiredText));
  const taken = ok("credentials", "Evolution API takes the key");
  if (state === "open") return [taken, ok("connection", "the instance is connected to WhatsApp")];
  const advice = "scan the QR code in Evolution API's manager with the phone";
  return [taken, failure("connection", `the instance is not connected to WhatsApp: it is ${state}`, advice)];
}

const webhook = z
  .object({
    enabled: z.boolean().nullish(),
    url: maybeText,
    events: listOf(text),
    webhookByEvents: z.boolean().nullish(),
  })
  .nullable();

async function findWebhook({ credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const found = await ask(get(credentials, "webhook/find"), webhook);
  const place = "the instance's webhook";
  const judged = judgeUrl("webhook", found?.url, webhookUrl, place);
  if (judged.state !== "ok") return [judged];
  if (!found?.enabled) return [failure("webhook", `${place} is off: nothing that people write arrives`, "enable it")];
  if (found.webhookByEvents) {
    const detail = `${place} is set "by events", which adds a name to the URL: what comes by it is answered 404`;
    return [failure("webhook", detail, "switch that off")];
  }
  const missing = ["MESSAGES_UPSERT", "MESSAGES_UPDATE"].filter((event) => !found.events.includes(event));
  if (missing.length === 0) return [judged];
  return [judged, failure("events", `${place} is not told of ${missing.join(" and ")}`, "add them to its events")];
}
