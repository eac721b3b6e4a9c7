import { z } from "zod";
import { normalizeAddress } from "../../../formats/address.ts";
import type { Receiver } from "../../../inbox/receive-webhook.ts";
import { postTest } from "../../../inbox/trials/post-test.ts";
import { openMapping } from "../../../registry/mappings.ts";
import { operation, reply } from "../../operations/operation.ts";
import { Problem } from "../../problem.ts";
import { address, uuidOf } from "../fields.ts";
import type { MappingsContext } from "./mappings.ts";
import { requireAccountOf, requireMapping } from "./reached.ts";

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
    body: z.strictObject({ from: address.describe("Whose message it is to be: your own number or mailbox.") }),
    answers: { 202: answer },
    async handle(context: MappingsContext & { receiver: Receiver }, { caller, params: { id }, body }) {
      const row = await requireMapping(context, caller, id);
      const mapping = openMapping(row, await requireAccountOf(context, row), context.sealer);
      const from = normalizeAddress(mapping.channel, body.from, row.address);
      if (from === undefined) {
        const errors = [{ path: "from", message: "must be a number or mailbox, of the mapping's channel" }];
        throw new Problem(422, "some fields are missing or wrong", { errors });
      }
      return reply(202, await postTest(context, mapping, from));
    },
  }),
};
