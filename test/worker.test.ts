import { expect, onTestFinished, test } from "vitest";
import { signer } from "./fixtures/generic-sms/sign.ts";
import { startTestBridge, untilPosted } from "./support/bridge.ts";
import { publicUrl } from "./support/location.ts";
import { providerOf } from "./support/providers.ts";
import { writeMessage } from "./support/write-webhooks.ts";

test("what failed is tried again when its time has come, whenever the worker would look next", async () => {
  const bridge = await startTestBridge({ tuning: { pollSeconds: 3600, firstDelaySeconds: 0.2 } });
  onTestFinished(() => bridge.stop());
  const address = "+15005550009";
  const id = await bridge.addMapping({ provider: "generic-sms", address, credentials: signer.credentials });
  bridge.sandbox.setFaults([{ kind: "status", status: 503, path: "/conversations/messages/inbound", times: 2 }]);
  const text = { id: "again", from: "+15005550016", to: address, text: "Hello?" };
  const webhook = writeMessage(providerOf("generic-sms"), text, { url: `${publicUrl}/webhooks/${id}`, at: new Date() });
  expect((await bridge.post(webhook)).status).toBe(200);
  await untilPosted(bridge, 1);
});
