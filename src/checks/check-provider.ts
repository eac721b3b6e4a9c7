import { Failure } from "../errors.ts";
import type { Access } from "../highlevel/call.ts";
import type { ListedProvider } from "../highlevel/checks.ts";
import type { Channel, Finding } from "../model.ts";
import { failure, ok, warning } from "../providers/kit/checks/findings.ts";
import type { Mapping } from "../registry/mappings.ts";
import { isAboutScope, type LocationCheckContext } from "./check-location.ts";

const check = "conversationProvider";

type Checked = Pick<Mapping, "channel" | "conversationProviderId" | "callProviderId" | "type">;

/** Does the mapping's conversation provider exist in the location, for its channel, and does the mapping's type fit it? */
export async function checkProvider(context: LocationCheckContext, mapping: Checked, access: Access): Promise<Finding> {
  const { channel, conversationProviderId: id, callProviderId, type } = mapping;
  const own = id === null ? "callProviderId" : "conversationProviderId";
  if ((id ?? callProviderId) !== null && access.token.startsWith("pit-")) {
    const detail = "a private integration token reaches no conversation provider of its own";
    return failure(check, detail, `connect the location by OAuth, or leave ${own} out`);
  }
  if (type === "Call") return ok(check, onlyCalls);
  try {
    const listed = await context.highlevel.listProviders(access, channel);
    const found = listed.find((each) => each.id === id);
    if (id === null) return judgeDefault(listed, channel);
    if (found) return judgeType(found, mapping);
    const elsewhere = await context.highlevel.listProviders(access, channel === "sms" ? "email" : "sms");
    return judgeMissing(
      listed,
      elsewhere.some((each) => each.id === id),
      mapping,
    );
  } catch (error) {
    if (error instanceof Failure) return describe(error);
    throw error;
  }
}

const onlyCalls =
  "the mapping has calls alone, and HighLevel lists no providers of them: whether it takes them shows with the first one";

function judgeDefault(listed: ListedProvider[], channel: Channel): Finding {
  const standard = listed.find(({ isDefault }) => isDefault);
  const what = channel === "sms" ? "SMS" : "emails";
  if (standard) {
    const detail = `the mapping goes by the location's default provider of ${what}, which is "${standard.name}"`;
    return ok(check, detail);
  }
  const advice = "choose one in the location's settings, or give the mapping a conversationProviderId";
  return warning(check, `the location has no default provider of ${what}`, advice);
}

/** Whether a provider that is not the default one is an extra one, HighLevel does not tell. */
function judgeType({ name, isDefault }: ListedProvider, { type }: Checked): Finding {
  if (type !== "Custom" && type !== "SMS" && type !== "Email")
    return ok(check, `the location has "${name}"; whether it is for type ${type} shows with the first message`);
  if (type === "Custom") {
    if (!isDefault) return ok(check, `the location has "${name}", beside its default one, as type Custom is for`);
    const detail = `"${name}" is the location's default provider, and the mapping's type is Custom`;
    return warning(check, detail, "leave type to the bridge, which finds what fits, or change it to SMS or Email");
  }
  if (isDefault) return ok(check, `"${name}" is the location's default provider, as type ${type} is for`);
  const detail = `"${name}" is not the location's default provider: what agents send without naming it goes by another`;
  return warning(check, detail, "choose it in the location's settings, or change the type to Custom for an extra one");
}

const maxNamed = 5;

function judgeMissing(listed: ListedProvider[], isOfOtherChannel: boolean, { channel, ...mapping }: Checked): Finding {
  const what = channel === "sms" ? "SMS" : "Email";
  const id = mapping.conversationProviderId;
  if (isOfOtherChannel) {
    const detail = `the conversation provider ${id} is one for ${channel === "sms" ? "Email" : "SMS"}`;
    return failure(check, detail, `change the mapping: it needs the id of the app's provider for ${what}`);
  }
  const names = listed.slice(0, maxNamed).map((each) => `"${each.name}" (${each.id})`);
  const has = names.length > 0 ? `it has ${names.join(", ")}` : "it has none";
  const detail = `the location has no conversation provider ${id} for ${what}: ${has}`;
  return failure(
    check,
    detail,
    "copy the id from the app's conversation provider, and see that the app is installed here",
  );
}

function describe(error: Failure): Finding {
  if (isAboutScope(error)) {
    const detail = "HighLevel does not tell the conversation providers: the token lacks locations.readonly";
    return warning(check, detail, "add locations.readonly to the app and to HIGHLEVEL_SCOPES to have this checked");
  }
  return warning(
    check,
    `HighLevel does not tell the conversation providers: ${error.message}`,
    "check again in a while",
  );
}
