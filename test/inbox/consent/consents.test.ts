import { expect, test } from "vitest";
import { consentOfReceipt, othersOf } from "../../../src/inbox/consent/consents.ts";
import type { Receipt } from "../../../src/model.ts";
import type { AccountFacts } from "../../../src/registry/accounts.ts";
import type { MessageContent } from "../../../src/store/schema.ts";

const account = { channel: "email", adapter: {} } as unknown as AccountFacts;
const conversation = { locationId: "loc-1", address: "ann@vale.test" };
const toAnn = content([]);
const toBoth = content(["Bob <Bob@vale.test>"]);

test.each([
  ["whom it was sent to", "ann@vale.test", toAnn, ["ann@vale.test"]],
  ["nobody by name, of one", undefined, toAnn, ["ann@vale.test"]],
  ["whom it was sent to as well", "bob@vale.test", toBoth, ["bob@vale.test"]],
  ["somebody else", "eve@vale.test", toBoth, []],
  ["nobody by name, of several", undefined, toBoth, []],
])("a bounce that names %s", (_, recipient, sent, people) => {
  expect(about({ recipient, consent: { change: "stop", cause: "bounce" } }, sent)).toEqual(people);
});

test("a complaint that names nobody is the person's", () => {
  expect(about({ consent: { change: "stop", cause: "complaint" } }, toBoth)).toEqual(["ann@vale.test"]);
});

test("of a message whose content was deleted only the person is known", () => {
  const consent = { change: "stop", cause: "bounce" } as const;
  expect(about({ recipient: "ann@vale.test", consent }, null)).toEqual(["ann@vale.test"]);
  expect(about({ recipient: "bob@vale.test", consent }, null)).toEqual([]);
});

function about(told: Partial<Receipt>, sent: MessageContent | null) {
  const receipt: Receipt = { kind: "receipt", providerMessageId: "m-1", status: "failed", ...told };
  return consentOfReceipt(account, receipt, {
    conversation,
    message: { id: 1, content: sent },
    type: "Email",
    others: () => othersOf({ content: sent }),
  }).map(({ address }) => address);
}

function content(cc: string[]): MessageContent {
  return { to: [], cc, bcc: [], inReplyTo: [], references: [], attachments: [] };
}
