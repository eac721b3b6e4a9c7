import type { Channel } from "../model.ts";
import { mailgun } from "./email/mailgun.ts";
import { postmark } from "./email/postmark.ts";
import { genericEmail, genericSms } from "./generic.ts";
import type { Adapter } from "./kit/adapter.ts";
import { bandwidth } from "./sms/bandwidth.ts";
import { clicksend } from "./sms/clicksend.ts";
import { evolution } from "./sms/evolution.ts";
import { infobip } from "./sms/infobip.ts";
import { plivo } from "./sms/plivo.ts";
import { signalwire } from "./sms/signalwire.ts";
import { sinch } from "./sms/sinch.ts";
import { sinchConversation } from "./sms/sinch-conversation.ts";
import { telnyx } from "./sms/telnyx.ts";
import { twilio } from "./sms/twilio.ts";
import { vonage } from "./sms/vonage.ts";
import { vonageSms } from "./sms/vonage-sms.ts";
import { whatsapp } from "./sms/whatsapp.ts";

/** Every provider by the name that mappings are registered under. */
const adapters: Record<string, Adapter> = {
  twilio,
  telnyx,
  signalwire,
  plivo,
  vonage,
  "vonage-sms": vonageSms,
  bandwidth,
  sinch,
  "sinch-conversation": sinchConversation,
  infobip,
  clicksend,
  whatsapp,
  evolution,
  postmark,
  mailgun,
  "generic-sms": genericSms,
  "generic-email": genericEmail,
};

export const providerNames = Object.keys(adapters);

export function providersOf(channel: Channel): string[] {
  return providerNames.filter((name) => adapters[name]?.channel === channel);
}

export function adapterOf(provider: string): Adapter | undefined {
  return Object.hasOwn(adapters, provider) ? adapters[provider] : undefined;
}
