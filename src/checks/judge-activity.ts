import { describeUtc } from "../advice/spans.ts";
import { heldReasons } from "../errors.ts";
import type { Finding } from "../model.ts";
import { ok, warning } from "../providers/kit/checks/findings.ts";
import type { Activity } from "../store/messages/activity.ts";

/** How far back it is looked. */
export const activityLimits = { webhooks: 50, messages: 200 };

/** A receipt that comes at all has come by then. */
const receiptMs = 3_600_000;
/** What has waited for so long waits for something. */
const patientSeconds = 900;

/** What a mapping's last webhooks, messages and deliveries tell. Pure. */
export function judgeActivity(activity: Activity, now: Date): Finding[] {
  return [
    judgeWebhooks(activity),
    judgeSends(activity),
    ...judgeReceipts(activity, now),
    judgeDead(activity),
    judgeHeld(activity),
    judgeWaiting(activity),
  ];
}

function judgeWebhooks({ webhooks }: Activity): Finding {
  const [last] = webhooks.filter(({ source }) => source === "provider");
  if (!last) {
    return warning(
      "lastWebhook",
      "no webhook of the provider has come lately",
      "write to the address, and check again",
    );
  }
  const at = describeUtc(last.receivedAt);
  if (last.state !== "failed") return ok("lastWebhook", `the provider's last webhook came at ${at}`);
  const detail = `the provider's last webhook, of ${at}, could not be read: ${last.reason}`;
  return warning("lastWebhook", detail, "see it among the webhooks that failed; replay it once that is put right");
}

function judgeSends({ messages }: Activity): Finding {
  const [last] = messages.filter(({ direction }) => direction === "outbound");
  if (!last) return ok("lastSend", "nothing was sent lately");
  const at = describeUtc(last.createdAt);
  if (last.state !== "failed") return ok("lastSend", `the last message that was sent, of ${at}, is ${last.state}`);
  const { message = "the provider gave no reason", code } = last.error ?? {};
  const detail = `the last message that was sent, of ${at}, failed: ${message}${code ? ` (${code})` : ""}`;
  return warning("lastSend", detail, `see message ${last.id}`);
}

/** Nothing where too little was sent to tell. */
function judgeReceipts({ messages }: Activity, now: Date): Finding[] {
  const old = ({ createdAt }: Activity["messages"][number]) => now.getTime() - createdAt.getTime() > receiptMs;
  const sent = messages.filter(({ direction, state }) => direction === "outbound" && state !== "queued");
  const told = sent.find(({ state }) => state !== "sent" && state !== "failed");
  if (told) return [ok("lastReceipt", `the provider has told that message ${told.id} is ${told.state}`)];
  const untold = sent.filter((each) => each.state === "sent" && old(each)).length;
  if (untold === 0) return [];
  const advice = "see that receipts are turned on at the provider, and that PUBLIC_URL is reached from outside";
  return [warning("lastReceipt", `of ${untold} messages that were sent no receipt has come`, advice)];
}

const among = `of the last ${activityLimits.messages} messages`;
const isHeld = ({ reason }: Activity["deliveries"][number]) => heldReasons.some((each) => each === reason);

function judgeDead({ deliveries }: Activity): Finding {
  const dead = deliveries.filter((each) => each.state === "dead" && !isHeld(each));
  if (dead.length === 0) return ok("deadDeliveries", `${among} none was given up`);
  const kinds = dead.map(({ kind, reason, count }) => `${count} ${kind} (${reason})`).join(", ");
  const advice = "see them among the problems; replay them once the reason is gone";
  return warning("deadDeliveries", `${among} there were given up: ${kinds}`, advice);
}

function judgeHeld({ deliveries }: Activity): Finding {
  const count = sum(deliveries.filter(isHeld));
  if (count === 0) return ok("heldMessages", `${among} none is held`);
  const advice = "see the messages that are held: each says why, and what lets it go";
  return warning("heldMessages", `${among} ${count} are held until somebody has looked`, advice);
}

function judgeWaiting({ deliveries }: Activity): Finding {
  const late = deliveries.filter(({ state, oldestSeconds }) => state === "pending" && oldestSeconds > patientSeconds);
  if (late.length === 0) return ok("waitingDeliveries", `${among} none has waited for long`);
  const reasons = [...new Set(late.map(({ reason }) => reason ?? "not attempted yet"))].join(", ");
  const detail = `${among} ${sum(late)} deliveries wait for more than a quarter of an hour: ${reasons}`;
  return warning("waitingDeliveries", detail, "see the messages whose delivery is pending");
}

const sum = (deliveries: Activity["deliveries"]) => deliveries.reduce((all, { count }) => all + count, 0);
