import { expect, test } from "vitest";
import { checkProvider } from "../../src/checks/check-provider.ts";
import { Failure } from "../../src/errors.ts";
import type { ListedProvider } from "../../src/highlevel/checks.ts";
import type { Channel, HighlevelMessageType } from "../../src/model.ts";

const listed: Record<Channel, ListedProvider[]> = {
  sms: [
    { id: "standard", name: "Shop SMS", isDefault: true },
    { id: "extra", name: "Second SMS", isDefault: false },
  ],
  email: [{ id: "mail", name: "Shop mail", isDefault: false }],
};

function check(
  mapping: {
    conversationProviderId: string | null;
    callProviderId?: string | null;
    type?: HighlevelMessageType;
    channel?: Channel;
  },
  token = "oauth-token",
  failure?: Failure,
) {
  const listProviders = async (_access: unknown, channel: Channel) => {
    if (failure) throw failure;
    return listed[channel];
  };
  const context = {
    accessTokens: { get: async () => undefined },
    highlevel: { listProviders, askByScope: async () => {} },
  };
  const checked = { channel: "sms", type: "Custom", callProviderId: null, ...mapping } as const;
  return checkProvider(context, checked, { locationId: "loc", token });
}

test.each([
  ["extra", "Custom", "ok", '"Second SMS"'],
  ["standard", "SMS", "ok", "default provider, as type SMS"],
  ["standard", "Custom", "warning", "the mapping's type is Custom"],
  ["extra", "SMS", "warning", "not the location's default provider"],
  ["mail", "Custom", "failure", "one for Email"],
  ["unknown", "Custom", "failure", 'it has "Shop SMS" (standard), "Second SMS" (extra)'],
  [null, "SMS", "ok", '"Shop SMS"'],
  ["extra", "IG", "ok", "whether it is for type IG"],
  [null, "Call", "ok", "has calls alone"],
] as const)("the provider %s of type %s is %s", async (conversationProviderId, type, state, words) => {
  const finding = await check({ conversationProviderId, type });
  expect(finding).toMatchObject({ state, detail: expect.stringContaining(words) });
});

test("a location without a default provider cannot serve a mapping that goes by it", async () => {
  const finding = await check({ conversationProviderId: null, channel: "email" });
  expect(finding).toMatchObject({ state: "warning", detail: expect.stringContaining("no default provider of emails") });
});

test("a private integration token reaches no provider, which needs no call to be known", async () => {
  const finding = await check({ conversationProviderId: "extra" }, "pit-1", new Failure("unreachable", "not called"));
  expect(finding).toMatchObject({ state: "failure", detail: expect.stringContaining("private integration token") });
});

test.each([
  [
    new Failure("unauthorized", "HTTP 401: The token is not authorized for this scope.", { status: 401 }),
    "locations.readonly",
  ],
  [new Failure("unreachable", "no connection (ECONNREFUSED)"), "ECONNREFUSED"],
])("what HighLevel does not tell is a warning: %s", async (failure, words) => {
  const finding = await check({ conversationProviderId: "extra" }, "oauth-token", failure);
  expect(finding).toMatchObject({ state: "warning", detail: expect.stringContaining(words) });
});
