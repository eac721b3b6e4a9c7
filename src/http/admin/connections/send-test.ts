import { z } from "zod";
import type { Receiver } from "../../../inbox/receive-webhook.ts";
import { fixtureNames } from "../../../inbox/trials/fixtures.ts";
import { postTest } from "../../../inbox/trials/post-test.ts";
import { openMapping } from "../../../registry/mappings.ts";
import { operation, reply } from "../../operations/operation.ts";
import { address, uuidOf } from "../fields.ts";
import type { MappingsContext } from "./mappings.ts";
import { requireAccountOf, requireMapping } from "./reached.ts";

export interface SendTestContext {
  receiver: Receiver;
}

/** What it says. */
export const fixtureField = z
  .enum(fixtureNames)
  .default("plain")
  .describe("What it says: besides its plain words several lines, many, other scripts, or markup.");

const answer = z.object({
  webhookId: z.number().describe("What was taken in: what becomes of it is told by `GET /admin/webhooks/{id}`."),
  text: z.string(),
  from: z.string(),
  to: z.string(),
});

export const sendTestOperations = {
  sendTest: operation({
    method: "POST",
    path: "/admin/mappings/{id}/send-test",
    tag: "Mappings",
    summary: "Takes in a text or an email of a person, made and signed here as the mapping's provider would post it.",
    description:
      "What follows is what follows for people: it arrives in HighLevel, and `from` becomes a contact there. 422 where only the provider can sign, or the bridge has no sample of its webhooks.",
    by: "any key",
    params: { id: uuidOf },
    body: z.strictObject({
      from: address.describe("Whose message it is to be: your own number or mailbox."),
      fixture: fixtureField,
    }),
    answers: { 202: answer },
    async handle(context: MappingsContext & SendTestContext, { caller, params: { id }, body }) {
      const row = await requireMapping(context, caller, id);
      const mapping = openMapping(row, await requireAccountOf(context, row), context.sealer);
      return reply(202, await postTest(context, mapping, { writer: body.from, fixture: body.fixture }));
    },
  }),
};
