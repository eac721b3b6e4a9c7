import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type AdminContext, createOperations } from "../../src/http/admin/operations.ts";
import type { Caller } from "../../src/http/caller.ts";
import { listAudit } from "../../src/store/operate/audit.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";
import { until } from "../support/until.ts";

let database: Database;
let operations: ReturnType<typeof createOperations>;
const lines: string[] = [];
beforeAll(async () => {
  database = await openMigrated(inject, 2);
  const context = { ...database, onWork: () => {}, log: (_level: string, event: string) => void lines.push(event) };
  operations = createOperations(context as unknown as AdminContext);
});
afterAll(() => database.close());

const admin: Caller = { who: "admin", access: "write", locationIds: undefined, isToMapping: false, ids: {} };
const reading: Caller = { ...admin, who: "key 7", access: "read", locationIds: ["location-1"], isToMapping: true };

/** The newest rows of the audit, once there are so many. */
const audited = async (count: number) => {
  const read = () => listAudit(database.people, { ids: {}, limit: 10 });
  return (await until(read, ({ rows }) => rows.length === count)).rows;
};

test("are called within the process as over HTTP: by texts of a URL, and reading leaves no row in the audit", async () => {
  const { status, body } = await operations.listMessages(reading, { query: { limit: "5", state: "failed" } });
  expect({ status, body }).toEqual({ status: 200, body: { items: [], nextCursor: null } });
  expect(lines).toEqual([]);
});

test("throw the same problems", async () => {
  const wrong = operations.listMessages(reading, { query: { stat: "failed" } });
  await expect(wrong).rejects.toMatchObject({ status: 422, errors: [{ path: "stat" }] });
  await expect(operations.getMessage(reading, { params: { id: "x" } })).rejects.toMatchObject({ status: 404 });
  await expect(operations.discardDelivery(admin, { params: { id: 1 } })).rejects.toMatchObject({
    errors: [{ path: "note" }],
  });
});

test("leave a row in the audit for a write, also for one that is refused", async () => {
  await expect(operations.replayDelivery(reading, { params: { id: 3 } })).rejects.toMatchObject({ status: 403 });
  await operations.replayDeliveries(admin, { body: { kind: "post-inbound" } });
  await expect(operations.replayDelivery(admin, { params: { id: 3 } })).rejects.toMatchObject({ status: 404 });
  const expected = [
    { who: "admin", route: "/admin/deliveries/:id/replay", status: 404, isAnswered: true, ids: { deliveryId: 3 } },
    { who: "admin", method: "POST", route: "/admin/deliveries/replay", status: 202 },
    { who: "key 7", status: 403 },
    { who: "admin", route: "/admin/deliveries/:id/discard", status: 422 },
  ];
  expect(await audited(4)).toEqual(expect.arrayContaining(expected.map((row) => expect.objectContaining(row))));
  expect(admin.ids).toEqual({});
  expect(lines).toEqual(Array(4).fill("admin.wrote"));
});
