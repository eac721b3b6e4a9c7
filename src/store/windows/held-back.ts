import { type SQL, sql } from "drizzle-orm";

/** A condition on a delivery: is it held back by the mapping's hours, or its daily cap? */
export const isHeldBack = (delivery: SQL) => sql`(${delivery}.held_at is not null and ${delivery}.released_at is null)`;

/** For how long it has been: a time that is not spent on attempts. */
export const heldFor = (delivery: SQL) =>
  sql`case when ${isHeldBack(delivery)} then now() - ${delivery}.held_at else interval '0' end`;
