import type { Channel, ReceiptStatus } from "../../src/model.ts";
import type { Provider } from "../../src/sandbox/state.ts";
import { signer as generic } from "../fixtures/generic-sms/sign.ts";
import { signer as mailgun } from "../fixtures/mailgun/sign.ts";
import { signer as postmark } from "../fixtures/postmark/sign.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { signer as twilio } from "../fixtures/twilio/sign.ts";
import {
  emailProviderId,
  locationId,
  publicUrl,
  smsProviderId,
  startTestBridge,
  type TestBridge,
  token,
} from "./bridge.ts";
import type { Signer } from "./fixtures.ts";
import { createGenericEmailStandIn, createGenericSmsStandIn } from "./stand-ins/generic.ts";
import { createMailgunStandIn } from "./stand-ins/mailgun.ts";
import { createPostmarkStandIn } from "./stand-ins/postmark.ts";
import { serveStandIns } from "./stand-ins/serve.ts";
import type { StandIn, StandInMessage } from "./stand-ins/stand-in.ts";
import { createTelnyxStandIn } from "./stand-ins/telnyx.ts";
import { createTwilioStandIn } from "./stand-ins/twilio.ts";

const credentialsOf = ({ credentials, sendCredentials }: Signer) => ({
  ...(credentials as object),
  ...(sendCredentials as object),
});

const ways: { create: () => StandIn; channel: Channel; address: string; credentials: unknown }[] = [
  { create: createTwilioStandIn, channel: "sms", address: "+15005550009", credentials: credentialsOf(twilio) },
  { create: createTelnyxStandIn, channel: "sms", address: "+15005550008", credentials: credentialsOf(telnyx) },
  { create: createGenericSmsStandIn, channel: "sms", address: "+15005550007", credentials: credentialsOf(generic) },
  {
    create: createPostmarkStandIn,
    channel: "email",
    address: "support@postmark.example.com",
    credentials: credentialsOf(postmark),
  },
  {
    create: createMailgunStandIn,
    channel: "email",
    address: "support@mg.example.com",
    credentials: credentialsOf(mailgun),
  },
  {
    create: createGenericEmailStandIn,
    channel: "email",
    address: "support@generic.example.com",
    credentials: { ...credentialsOf(generic), sendUrl: "https://mail.example.net/send" },
  },
];

export interface Way {
  provider: string;
  channel: Channel;
  address: string;
  mappingId: string;
  /** Of the conversation provider in HighLevel that is this mapping's alone. */
  providerId: string;
  standIn: StandIn;
  /** The mapping's webhook URL, as the provider was told. */
  webhookUrl: string;
}

export interface TwoWay {
  bridge: TestBridge;
  ways: Record<string, Way>;
  /** The provider tells what became of a message. */
  tell(way: Way, message: StandInMessage, status: ReceiptStatus, recipient?: string): Promise<void>;
  /** The person answers a message. */
  answer(way: Way, message: StandInMessage, id: string, text: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A bridge between a sandbox and stand-ins of all providers, with a mapping and a conversation provider for each. `wrap`
 * changes how the stand-ins behave.
 */
export async function startTwoWay(
  options: Parameters<typeof startTestBridge>[0] & { wrap?: (standIn: StandIn) => StandIn } = {},
): Promise<TwoWay> {
  const standIns = ways.map(({ create }) => options.wrap?.(create()) ?? create());
  const served = await serveStandIns(standIns);
  const bridge = await startTestBridge({ ...options, config: { ...options.config, providersUrl: served.url } });
  const entries = await Promise.all(
    ways.map(async ({ channel, address, credentials }, index): Promise<Way> => {
      const standIn = standIns[index] as StandIn;
      const providerId = `way-${standIn.provider}`;
      const mappingId = await bridge.addMapping({
        provider: standIn.provider,
        address,
        credentials,
        conversationProviderId: providerId,
      });
      const webhookUrl = `${publicUrl}/webhooks/${mappingId}`;
      return { provider: standIn.provider, channel, address, mappingId, providerId, standIn, webhookUrl };
    }),
  );
  const providers: Provider[] = entries.map((way) => ({
    id: way.providerId,
    channel: way.channel,
    extra: true,
    deliveryUrl: `${bridge.url}/webhooks/highlevel/${way.mappingId}`,
  }));
  bridge.sandbox.putLocation({
    id: locationId,
    token,
    providers: [
      ...providers,
      { id: smsProviderId, channel: "sms", extra: true },
      { id: emailProviderId, channel: "email", extra: true },
    ],
  });
  const post = async (request: Parameters<TestBridge["post"]>[0]) => {
    const { status, body } = await bridge.post(request);
    if (status < 200 || status > 299) throw new Error(`${status} ${JSON.stringify(body)}`);
  };
  return {
    bridge,
    ways: Object.fromEntries(entries.map((way) => [way.provider, way])),
    tell: (way, message, status, recipient) =>
      post(
        way.standIn.receipt(message, status, {
          url: way.webhookUrl,
          at: new Date(),
          ...(recipient ? { recipient } : {}),
        }),
      ),
    answer: (way, message, id, text) =>
      post(way.standIn.answer(message, { url: way.webhookUrl, at: new Date(), id, text })),
    async stop() {
      await bridge.stop();
      await served.stop();
    },
  };
}
