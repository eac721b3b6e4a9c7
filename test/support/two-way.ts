import type { Channel, ReceiptStatus } from "../../src/model.ts";
import type { Provider as ConversationProvider } from "../../src/sandbox/state.ts";
import { startTestBridge, type TestBridge } from "./bridge.ts";
import { emailProviderId, locationId, publicUrl, smsProviderId, token } from "./location.ts";
import { allCredentials, providers } from "./providers.ts";
import { createStandIn } from "./stand-ins/from-fixtures.ts";
import { serveStandIns } from "./stand-ins/serve.ts";
import type { KeptOfThread, StandIn, StandInMessage } from "./stand-ins/stand-in.ts";
import type { WrittenMessage } from "./write-webhooks.ts";

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
  /** Does the provider carry out a repeated send once? */
  isIdempotent: boolean;
}

export interface TwoWay {
  bridge: TestBridge;
  ways: Record<string, Way>;
  /** The provider tells what became of a message. */
  tell(way: Way, message: StandInMessage, status: ReceiptStatus, recipient?: string): Promise<void>;
  /** The person answers a message. */
  answer(way: Way, message: StandInMessage, id: string, text: string, keeps?: KeptOfThread): Promise<void>;
  /** The provider tells what the business sent outside HighLevel, if it ever does. */
  tellElsewhere(way: Way, message: WrittenMessage): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A bridge between a sandbox and stand-ins of all providers, with a mapping and a conversation provider for each. `wrap`
 * changes how the stand-ins behave.
 */
export async function startTwoWay(
  options: Parameters<typeof startTestBridge>[0] & { wrap?: (standIn: StandIn) => StandIn } = {},
): Promise<TwoWay> {
  const addresses = providers.map(({ name, channel }, index) =>
    channel === "sms" ? `+1500555${String(9000 + index)}` : `support@${name}.example.com`,
  );
  const standIns = providers.map(({ name }, index) => {
    const standIn = createStandIn(name, addresses[index]);
    return options.wrap?.(standIn) ?? standIn;
  });
  const served = await serveStandIns(standIns);
  const bridge = await startTestBridge({ ...options, config: { ...options.config, providersUrl: served.url } });
  const entries = await Promise.all(
    providers.map(async (provider, index): Promise<Way> => {
      const { name, channel, adapter } = provider;
      const address = addresses[index] ?? "";
      const providerId = `way-${name}`;
      const calls = channel === "sms" ? { callProviderId } : {};
      const mapping = { provider: name, address, conversationProviderId: providerId, ...calls };
      const mappingId = await bridge.addMapping({ ...mapping, credentials: allCredentials(provider) });
      return {
        ...{ provider: name, channel, address, mappingId, providerId, standIn: standIns[index] as StandIn },
        ...{ webhookUrl: `${publicUrl}/webhooks/${mappingId}`, isIdempotent: adapter.isIdempotent === true },
      };
    }),
  );
  const conversationProviders: ConversationProvider[] = entries.map((way) => ({
    id: way.providerId,
    channel: way.channel,
    extra: true,
    deliveryUrl: `${bridge.url}/webhooks/highlevel/${way.mappingId}`,
  }));
  bridge.sandbox.putLocation({
    id: locationId,
    token,
    providers: [
      ...conversationProviders,
      { id: smsProviderId, channel: "sms", extra: true },
      { id: emailProviderId, channel: "email", extra: true },
      { id: callProviderId, channel: "call", extra: true },
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
    answer: (way, message, id, text, keeps) =>
      post(way.standIn.answer(message, { url: way.webhookUrl, at: new Date(), id, text, keeps })),
    async tellElsewhere(way, message) {
      const webhook = way.standIn.sentElsewhere(message, { url: way.webhookUrl, at: new Date() });
      if (webhook) await post(webhook);
    },
    async stop() {
      await bridge.stop();
      await served.stop();
    },
  };
}

/** HighLevel's conversation provider of the calls of all numbers. */
export const callProviderId = "way-calls";

/** A text that a person got, as far as it matters for their answer to it. */
export const messageBetween = (from: string, to = ""): StandInMessage => ({
  ...{ id: "x", reference: undefined, from, to: [to], cc: [], bcc: [], text: "", html: undefined, subject: undefined },
  ...{ media: [], headers: {}, receiptUrl: undefined },
});
