import { type SQL, sql } from "drizzle-orm";
import { type Db, selectRows } from "../postgres/database.ts";

/** What is sealed, and for whom. */
export interface SealedValue {
  owner: "account" | "location" | "company" | "endpoint" | "app" | "own";
  id: string;
  column:
    | "sealed_credentials"
    | "sealed_token"
    | "sealed_refresh_token"
    | "sealed_target"
    | "sealed_secrets"
    | "sealed_secret";
  sealed: string;
}

/** What a row of the table is known by. */
const idOf = (owner: SealedValue["owner"]) => sql.raw(owner === "app" || owner === "own" ? "what" : "id");

const places: [SealedValue["owner"], string, SealedValue["column"]][] = [
  ["account", "accounts", "sealed_credentials"],
  ["location", "locations", "sealed_token"],
  ["location", "locations", "sealed_refresh_token"],
  ["company", "companies", "sealed_token"],
  ["company", "companies", "sealed_refresh_token"],
  ["endpoint", "endpoints", "sealed_target"],
  ["app", "marketplace_apps", "sealed_secrets"],
  ["own", "own_secrets", "sealed_secret"],
];
const tableOf = (owner: SealedValue["owner"]) => places.find(([each]) => each === owner)?.[1] ?? "";

/** All of them; those that mappings hold for processes of 0.2 are copies of an account's. */
const everywhere: SQL = sql.join(
  places.map(
    ([owner, table, column]) => sql`
      select ${sql.raw(`'${owner}'`)} as owner, ${idOf(owner)}::text as id, ${sql.raw(`'${column}'`)} as "column",
        ${sql.raw(column)} as sealed, split_part(${sql.raw(column)}, '.', 1) as key_id
      from ${sql.raw(table)} where ${sql.raw(column)} is not null`,
  ),
  sql` union all `,
);

/** How many values each key has sealed, and one of them. */
export async function countSealed(
  db: Db,
): Promise<{ keyId: string; count: number; owner: SealedValue["owner"]; id: string }[]> {
  return selectRows(
    db,
    sql`
      select key_id as "keyId", count(*)::int as count, (array_agg(owner order by owner, id))[1] as owner,
        (array_agg(id order by owner, id))[1] as id
      from (${everywhere}) sealed group by key_id order by key_id`,
  );
}

/** Some that another key than this one has sealed. */
export async function listSealedByOthers(db: Db, keyId: string, limit: number): Promise<SealedValue[]> {
  return selectRows(
    db,
    sql`select owner, id, "column", sealed from (${everywhere}) sealed where key_id <> ${keyId} order by owner, id limit ${limit}`,
  );
}

/** `false` where it was written anew in between. An account's copy in its mapping goes along. */
export async function replaceSealed(db: Db, { owner, id, column, sealed }: SealedValue, by: string): Promise<boolean> {
  const name = sql.raw(column);
  const isSame = sql`${idOf(owner)}::text = ${id} and ${name} = ${sealed}`;
  const mirror =
    owner === "account"
      ? sql`, copied as (
          update mappings set sealed_credentials = ${by}
          where id in (select id::uuid from replaced) and account_id = id and sealed_credentials is not null
        )`
      : sql``;
  const replaced = await selectRows(
    db,
    sql`
      with replaced as (
        update ${sql.raw(tableOf(owner))} set ${name} = ${by} where ${isSame} returning ${idOf(owner)}::text as id
      )${mirror}
      select id from replaced`,
  );
  return replaced.length > 0;
}
