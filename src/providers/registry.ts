import type { Channel, TextService } from "../model.ts";
import { declaredProvider } from "./declared/declared-provider.ts";
import type { ProviderDocument } from "./declared/document/document.ts";
import { amazonSes } from "./email/amazon-ses.ts";
import { brevo } from "./email/brevo.ts";
import { cloudmailin } from "./email/cloudmailin.ts";
import { forwardemail } from "./email/forwardemail.ts";
import { imapSmtp } from "./email/imap-smtp.ts";
import { mailersend } from "./email/mailersend.ts";
import { mailgun } from "./email/mailgun.ts";
import { mailjet } from "./email/mailjet.ts";
import { mandrill } from "./email/mandrill.ts";
import { postal } from "./email/postal.ts";
import { postmark } from "./email/postmark.ts";
import { resend } from "./email/resend.ts";
import { sendgrid } from "./email/sendgrid.ts";
import { sparkpost } from "./email/sparkpost.ts";
import { genericEmail, genericSms } from "./generic.ts";
import { type Adapter, sendsBy } from "./kit/adapter.ts";
import { awsSms } from "./sms/aws-sms.ts";
import { bandwidth } from "./sms/bandwidth.ts";
import { bird } from "./sms/bird.ts";
import { clicksend } from "./sms/clicksend.ts";
import { evolution } from "./sms/evolution.ts";
import { httpSms } from "./sms/httpsms.ts";
import { infobip } from "./sms/infobip.ts";
import { messagebird } from "./sms/messagebird.ts";
import { plivo } from "./sms/plivo.ts";
import { sendblue } from "./sms/sendblue.ts";
import { signalwire } from "./sms/signalwire.ts";
import { sinch } from "./sms/sinch.ts";
import { sinchConversation } from "./sms/sinch-conversation.ts";
import { smsGate } from "./sms/smsgate.ts";
import { telnyx } from "./sms/telnyx.ts";
import { twilio } from "./sms/twilio.ts";
import { vonage } from "./sms/vonage.ts";
import { vonageSms } from "./sms/vonage-sms.ts";
import { waha } from "./sms/waha.ts";
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
  bird,
  messagebird,
  infobip,
  clicksend,
  "aws-sms": awsSms,
  whatsapp,
  evolution,
  waha,
  sendblue,
  httpsms: httpSms,
  smsgate: smsGate,
  postmark,
  mailgun,
  sendgrid,
  mailjet,
  mailersend,
  sparkpost,
  mandrill,
  resend,
  postal,
  "amazon-ses": amazonSes,
  "imap-smtp": imapSmtp,
  cloudmailin,
  brevo,
  forwardemail,
  "generic-sms": genericSms,
  "generic-email": genericEmail,
};

/** Of the providers that are built in. */
export const providerNames = Object.keys(adapters);

interface Declared {
  adapter: Adapter;
  document: ProviderDocument;
  origin: DeclaredOrigin;
}

/** Where it is from: a file of this process, or a version of it in the database, which may be deleted by now. */
export type DeclaredOrigin = { file: string } | { version: string; isDeleted: boolean };

/** What the operator declared by documents: filled at the start and as they change, in each process and thread by itself. */
const declared = new Map<string, Declared>();

/** Of those that are declared, also the names begin with what no built-in one's begins with. */
export const isDeclaredName = (provider: string) => provider.startsWith("x-");

export function declareProvider(document: ProviderDocument, origin: DeclaredOrigin): void {
  declared.set(document.name, { adapter: declaredProvider(document) as Adapter, document, origin });
}

export function withdrawProvider(name: string): void {
  declared.delete(name);
}

/** Every declared provider, deleted ones too. */
export function declaredOrigins(): Map<string, DeclaredOrigin> {
  return new Map([...declared].map(([name, { origin }]) => [name, origin]));
}

/** What new accounts can be of. */
export function offeredNames(): string[] {
  const offered = [...declared].filter(([, { origin }]) => "file" in origin || !origin.isDeleted);
  return [...providerNames, ...offered.map(([name]) => name)];
}

/** The document of a declared provider, for a thread that must know it as well. */
export function documentOf(provider: string): ProviderDocument | undefined {
  return declared.get(provider)?.document;
}

export function providersOf(channel: Channel): string[] {
  return [...providerNames, ...declared.keys()].filter((name) => adapterOf(name)?.channel === channel);
}

/** Of texts. */
export function providersSendingBy(service: TextService): string[] {
  return providersOf("sms").filter((name) => {
    const adapter = adapterOf(name);
    return adapter && sendsBy(adapter, service);
  });
}

/** A provider's name as people write it. */
export const labelOf = (provider: string): string => adapterOf(provider)?.label ?? provider;

export function adapterOf(provider: string): Adapter | undefined {
  return Object.hasOwn(adapters, provider) ? adapters[provider] : declared.get(provider)?.adapter;
}
