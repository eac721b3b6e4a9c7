import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { signWebhook, standardWebhooks } from "../../../src/providers/kit/standard-webhooks.ts";
import { at, requestOf } from "./request.ts";

const bytes = Buffer.alloc(32, 7);
const secret = `whsec_${bytes.toString("base64")}`;

test("what the bridge signs, the reference library takes", () => {
  const now = new Date();
  expect(() => new Webhook(secret).verify("{}", signWebhook(bytes, "msg_1", now, Buffer.from("{}")))).not.toThrow();
});

test("Svix's headers have names of their own, and nobody chooses between the two", () => {
  const signed = signWebhook(bytes, "msg_1", at, Buffer.from("{}"));
  const svix = Object.fromEntries(
    Object.entries(signed).map(([name, value]) => [name.replace("webhook", "svix"), value]),
  );
  const judge = (names: "webhook" | "svix", headers: Record<string, string>) =>
    standardWebhooks({ key: (given: string) => given, names }).check(requestOf("{}", { headers }), secret, () =>
      expect.unreachable(),
    );
  expect([judge("svix", svix), judge("svix", signed), judge("webhook", signed), judge("webhook", svix)]).toEqual([
    ...[true, false, true, false],
  ]);
});
