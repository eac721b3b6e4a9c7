import { z } from "zod";
import { describeAccount, openCredentials } from "../../../registry/accounts.ts";
import { openMapping } from "../../../registry/mappings.ts";
import { listMappings } from "../../../store/mappings.ts";
import { checkAnswer, firstStepsAnswer } from "../../answers/connections.ts";
import { operation, reply } from "../../operations/operation.ts";
import { uuidOf } from "../fields.ts";
import type { TrialContext } from "../operator/trial.ts";
import type { MappingsContext } from "./mappings.ts";
import { requireAccount, requireAccountOf, requireKnownLocation, requireMapping } from "./reached.ts";

const params = { id: uuidOf };
const tag = "Checks";
const by = "any key";
const urlOf = ({ publicUrl }: MappingsContext, accountId: string) => `${publicUrl}/webhooks/${accountId}`;

/** Nothing is changed by them, at the provider, in HighLevel or here. 200 whatever was found. */
export const checkOperations = {
  checkMapping: operation({
    ...{ method: "POST", path: "/admin/mappings/{id}/check", tag, by, isCheck: true },
    summary: "Checks whether a mapping is connected rightly on both sides, and what happened on it lately.",
    params,
    answers: { 200: checkAnswer },
    async handle(context: MappingsContext, { caller, params: { id } }) {
      const row = await requireMapping(context, caller, id);
      const mapping = openMapping(row, await requireAccountOf(context, row), context.sealer);
      return reply(200, await context.checks.mapping(mapping, urlOf(context, row.accountId)));
    },
  }),

  checkAccount: operation({
    ...{ method: "POST", path: "/admin/accounts/{id}/check", tag, by, isCheck: true },
    summary: "Checks whether the provider takes an account's credentials, and what is set there.",
    params,
    answers: { 200: checkAnswer },
    async handle(context: MappingsContext, { caller, params: { id } }) {
      const row = await requireAccount(context, caller, id);
      const { adapter } = describeAccount(row);
      const [credentials] = openCredentials(row, context.sealer);
      const mappings = await listMappings(context.people, { accountId: row.id, limit: 11 });
      const addresses = mappings.map(({ address }) => address).filter((address) => !address.startsWith("*@"));
      const account = { adapter, credentials, webhookUrl: urlOf(context, row.id), addresses };
      return reply(200, await context.checks.account(row.id, account));
    },
  }),

  checkLocation: operation({
    ...{ method: "POST", path: "/admin/locations/{locationId}/check", tag, by, isCheck: true },
    summary: "Checks whether HighLevel takes a location's token, with which scopes, and whether it is paused.",
    params: { locationId: z.string() },
    answers: { 200: checkAnswer },
    async handle(context: MappingsContext, { caller, params: { locationId } }) {
      return reply(200, await context.checks.location(await requireKnownLocation(context, caller, locationId)));
    },
  }),

  checkFirstSteps: operation({
    ...{ method: "POST", path: "/admin/first-steps/check", tag, by, isCheck: true },
    summary: "Tells how far it is from an empty installation to a message that goes both ways, and what to do next.",
    description:
      "What is not done yet is a `warning`, and what went wrong a `failure`. It is about the number or mailbox of the newest message, or about any one.",
    answers: { 200: firstStepsAnswer },
    async handle(context: MappingsContext & TrialContext & { sandboxUrl?: string | undefined }, { caller }) {
      const { sandboxUrl } = context;
      const mayTry = context.startTrial !== undefined && caller.who === "admin";
      return reply(200, { ...(await context.checks.firstSteps(caller.locationIds)), mayTry, sandboxUrl });
    },
  }),
};
