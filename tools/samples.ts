import { conversationProviderIds } from "../src/sandbox/sample-location.ts";
import { type Fixture, plainNames } from "../test/support/fixtures.ts";
import { allCredentials, type Provider } from "../test/support/providers.ts";

/** A webhook by its name; without one, the provider's usual text or email. */
export function sampleOf({ name, channel, fixtures }: Provider, wanted: string = plainNames[channel]): Fixture {
  const found = fixtures.find((each) => each.name === wanted);
  if (!found) throw new Error(`${name} has no ${wanted}: npm run send-sample -- ${name} --list`);
  return found.fixture;
}

/**
 * What `POST /admin/mappings` takes, to try the bridge against `npm run sandbox` and `npm run stand-ins`: for the number or
 * mailbox that the usual webhook is for, and with credentials that are test data.
 */
export function sampleMapping(provider: Provider): Record<string, unknown> {
  const [message] = sampleOf(provider).means;
  return {
    ...{ locationId: "sandbox-location", provider: provider.name },
    address: message?.kind === "message" ? message.to[0] : undefined,
    conversationProviderId: conversationProviderIds[provider.channel],
    credentials: allCredentials(provider),
  };
}
