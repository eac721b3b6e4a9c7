import { z } from "zod";
import { Failure } from "../../../errors.ts";
import { composeTest } from "../../../inbox/trials/post-test.ts";
import { type PreviewContext, previewWebhook } from "../../../inbox/trials/preview.ts";
import type { Channel, WebhookRequest } from "../../../model.ts";
import { openMapping } from "../../../registry/mappings.ts";
import { previewAnswer } from "../../answers/connections.ts";
import { operation, reply } from "../../operations/operation.ts";
import { Problem } from "../../problem.ts";
import { uuidOf } from "../fields.ts";
import type { MappingsContext } from "./mappings.ts";
import { requireAccountOf, requireMapping } from "./reached.ts";
import { fixtureField } from "./send-test.ts";

const sample = z.strictObject({
  /** The provider's content type; its first one if it is not given. */
  contentType: z.string().optional(),
  headers: z.record(z.string(), z.string()).default({}),
  /** What follows the webhook's URL, as `?message=42`. */
  query: z.string().regex(/^\?/, "must begin with ?").default(""),
  /** The body as text, or an object or a list that is encoded in the way of the content type. */
  body: z.union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())]).optional(),
  bodyBase64: z.base64().optional(),
});
type SampleWebhook = z.infer<typeof sample>;
const bodiesOf = ({ body, bodyBase64 }: SampleWebhook) =>
  [body, bodyBase64].filter((each) => each !== undefined).length;
const either = { message: "give either body or bodyBase64", path: ["body"] };

/** A webhook to be tried: nothing of it is stored. */
export const sampleWebhook = sample.refine((given) => bodiesOf(given) === 1, either);

/** Whose message it is where none is given. */
const writers: Record<Channel, string> = { sms: "+15005550006", email: "person@example.com" };

export const previewOperations = {
  previewWebhook: operation({
    method: "POST",
    path: "/admin/mappings/{id}/preview",
    tag: "Mappings",
    summary: "Tells what would be posted to HighLevel for a sample webhook, and whether it would be accepted as it is.",
    description:
      "Without a body it is for one that is made and signed here as the provider would post it. Nothing is stored, and nobody is called but for a certificate that a signature names; 503 when that is not to be had.",
    by: "any key",
    params: { id: uuidOf },
    body: sample.extend({ fixture: fixtureField }).refine((given) => bodiesOf(given) <= 1, either),
    answers: { 200: previewAnswer },
    async handle(context: MappingsContext & PreviewContext, { caller, params: { id }, body }) {
      const row = await requireMapping(context, caller, id);
      const account = await requireAccountOf(context, row);
      const mapping = openMapping(row, account, context.sealer);
      const url = `${context.publicUrl}/webhooks/${account.id}`;
      const request =
        bodiesOf(body) > 0
          ? requestOf(body, url, mapping.adapter.contentTypes[0])
          : (await composeTest(mapping, context.publicUrl, { from: writers[mapping.channel], fixture: body.fixture }))
              .request;
      const preview = await previewWebhook(context, mapping, request).catch((error: unknown) => {
        throw error instanceof Failure
          ? new Problem(503, `whether it verifies is not to be found out: ${error.message}`)
          : error;
      });
      return reply(200, preview);
    },
  }),
};

/** As the provider would post it there. */
export function requestOf(given: SampleWebhook, url: string, usualType = "application/json"): WebhookRequest {
  const contentType = given.contentType ?? usualType;
  const headers = Object.entries({ ...given.headers, "content-type": contentType });
  return {
    url: `${url}${given.query}`,
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    body: encodeBody(given, contentType),
    receivedAt: new Date(),
  };
}

function encodeBody({ body, bodyBase64 }: SampleWebhook, contentType: string): Buffer {
  if (bodyBase64 !== undefined) return Buffer.from(bodyBase64, "base64");
  if (typeof body === "string") return Buffer.from(body);
  if (contentType.startsWith("application/json")) return Buffer.from(JSON.stringify(body));
  if (!contentType.startsWith("application/x-www-form-urlencoded")) {
    throw new Problem(422, `an object cannot be encoded as ${contentType}: give the body as text or as bodyBase64`);
  }
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(body ?? {})) fields.append(name, textOf(value));
  return Buffer.from(fields.toString());
}

/** Not `String`, which calls whatever the given object has as its `toString`. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
