import { bigint, customType, timestamp } from "drizzle-orm/pg-core";

export const bytea = customType<{ data: Buffer; driverData: Uint8Array }>({
  dataType: () => "bytea",
  fromDriver: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
});

/** A reference to a row's id. */
export const bigId = () => bigint({ mode: "number" });

export const id = () => bigId().generatedAlwaysAsIdentity().primaryKey();

export const time = () => timestamp({ withTimezone: true });

export const createdAt = () => time().notNull().defaultNow();
