import type { Location } from "./state.ts";

/**
 * The location that a sandbox has when it starts as a process of its own, so that nobody has to make one to try the bridge.
 * What an agent answers there goes to the app's one delivery URL of the bridge.
 */
export function sampleLocation(bridgeUrl: string) {
  const deliveryUrl = `${bridgeUrl}/webhooks/highlevel`;
  return {
    id: sampleLocationId,
    token: "sandbox-token",
    providers: [
      { id: conversationProviderIds.sms, channel: "sms", extra: true, deliveryUrl },
      { id: conversationProviderIds.email, channel: "email", extra: true, deliveryUrl },
    ],
  } satisfies Location;
}

export const sampleLocationId = "sandbox-location";
export const conversationProviderIds = { sms: "sandbox-sms", email: "sandbox-email" } as const;
