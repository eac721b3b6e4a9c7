import { expect, test } from "vitest";
import type { DndSettings } from "../../../src/highlevel/contacts.ts";
import { type AttemptInput, LeaseLost } from "../../../src/outbox/attempt.ts";
import { type DndContext, setDnd } from "../../../src/outbox/consent/set-dnd.ts";
import type { Db } from "../../../src/store/postgres/database.ts";
import type { OptOut } from "../../../src/store/schema.ts";

const optOut: OptOut = {
  ...{ id: 1, locationId: "here", channel: "sms", address: "+15005550006", cause: "word", detail: "stop" },
  ...{ messageId: null, optedOutAt: new Date("2026-11-26T10:00:00Z"), liftedAt: null, liftedBy: null },
};
const lifted: OptOut = { ...optOut, liftedAt: new Date(), liftedBy: "word" };
const ours = { SMS: { status: "active", message: "x", code: "bridge-opt-out" } };

function stage(row: OptOut, present: DndSettings) {
  const set: DndSettings[] = [];
  const columns = Object.fromEntries(Object.entries(row).map(([key, value]) => [`opt_outs.${key}`, value]));
  const statement = { execute: async () => ({ rows: [columns] }) };
  const noAddresses = { from: () => noAddresses, where: () => noAddresses, limit: async () => [] };
  const context: DndContext = {
    db: { session: { prepareQuery: () => statement }, selectDistinct: () => noAddresses } as unknown as Db,
    highlevel: {
      findContact: async () => "contact-1",
      readDnd: async () => present,
      setDnd: async (_access, _id, settings) => {
        set.push(settings);
        return { status: 200 };
      },
    },
  };
  const input = (beforeCall: () => void) =>
    ({
      ...{ locationId: "here", conversation: { address: optOut.address, highlevelContactId: "contact-1" } },
      ...{ mapping: { channel: "sms" }, access: async () => ({ locationId: "here", token: "t" }), beforeCall },
    }) as unknown as AttemptInput;
  return { set, attempt: (beforeCall = () => {}) => setDnd(context, input(beforeCall)) };
}
const loseLease = () => {
  throw new LeaseLost();
};

test("it is set with our code, and lifted where it is ours, with what else there is", async () => {
  const other = { Call: { status: "permanent", message: undefined, code: undefined } };
  const { set, attempt } = stage(optOut, other);
  await attempt();
  expect(set).toMatchObject([{ ...other, SMS: { status: "active", code: "bridge-opt-out" } }]);
  const later = stage(lifted, { ...other, ...ours });
  await later.attempt();
  expect(later.set).toMatchObject([{ ...other, SMS: { status: "inactive", code: "bridge-opt-in" } }]);
});

test.each([
  ["set", optOut, {}],
  ["lifted", lifted, ours],
])("it is not %s by a worker whose lease has passed to another", async (_what, row, present) => {
  const { set, attempt } = stage(row, present);
  await expect(attempt(loseLease)).rejects.toThrow(LeaseLost);
  expect(set).toEqual([]);
});
