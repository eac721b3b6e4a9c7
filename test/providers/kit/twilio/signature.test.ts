import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { twilioSignature } from "../../../../src/providers/kit/twilio/signature.ts";
import { requestOf } from "../request.ts";

const accountSid = "2f1d8a90-5b7e-4c3a-9e21-0a6b4c8d7e5f";
const messageSid = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const proof = twilioSignature({ header: "x-signalwire-signature", pair: (key: string) => [accountSid, key] });
const unneeded = () => expect.unreachable();
const genuine = { AccountSid: accountSid, Body: "hi", From: "+15005550006", MessageSid: messageSid, NumMedia: "0" };
const { url } = requestOf("");
const signature = createHmac("sha1", "key")
  .update(url + Object.entries(genuine).flat().join(""))
  .digest("base64");

function isTaken(fields: Record<string, string>) {
  const headers = { "content-type": "application/x-www-form-urlencoded", "x-signalwire-signature": signature };
  return proof.check(requestOf(new URLSearchParams(fields).toString(), { headers }), "key", unneeded);
}

test("of those who have UUIDs for ids, as SignalWire has, covers a form, and holds for no other cut of its letters", () => {
  const { Body: _body, From: _from, MessageSid: _sid, NumMedia: _media, ...account } = genuine;
  const rest = { ...account, Body: "hi", From: "+15005550006" };
  expect(isTaken(genuine)).toBe(true);
  const cuts: Record<string, Record<string, string>> = {
    "another id": { ...rest, MessageSid: `${messageSid}NumMedia0` },
    "a shorter id": { ...rest, MessageSid: messageSid.slice(0, -4), "0ae7NumMedia": "0" },
    "no text": { AccountSid: `${accountSid}Bodyhi`, From: genuine.From, MessageSid: messageSid, NumMedia: "0" },
    "no id": { ...account, Body: "hi", From: `+15005550006MessageSid${messageSid}`, NumMedia: "0" },
  };
  for (const [what, fields] of Object.entries(cuts)) expect(isTaken(fields), what).toBe(false);
});
