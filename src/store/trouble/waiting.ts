import { sql } from "drizzle-orm";
import type { FailureReason, WindowReason } from "../../errors.ts";
import { isTo } from "../lanes/held-lane.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { deliveries, isEvent } from "../schema.ts";
import { isHeldBack } from "../windows/held-back.ts";
import { areSendsHeld, toPeople } from "./holds.ts";

/**
 * Why a delivery waits: it is to reach a person, and sends are held, or its mapping is paused (`held`); the other side does not do what it should
 * (`failing`), or says that it is too much (`throttled`); a limit of ours is used up (`own_limit`); its location is paused for
 * another reason; its mapping's hours or daily cap hold it back, or one before it in its line; it was replayed, and is not attempted yet; it stands in line: behind another one, or for a worker.
 */
export type WaitingReason =
  | ("held" | "failing" | "throttled" | "own_limit" | "paused" | "replayed" | "in_line")
  | WindowReason;

/** Deliveries that wait for the same, and since when the oldest does: a failing one since it was first attempted. */
export interface Waiting {
  reason: WaitingReason;
  /** Whom they are to call: a provider, `highlevel`, or `endpoint` for what is told of events. */
  provider: string;
  count: number;
  oldestSeconds: number;
}

/** Of more the oldest ones tell enough. */
const maxWaiting = 10_000;

const oldest = (isAnEvent: 0 | 1) => sql`
  (select kind, reason, attempts, first_attempted_at, replayed_at, retry_at, created_at, conversation_id
  from deliveries where state = 'pending' and ${isEvent(deliveries.kind)} = ${sql.raw(String(isAnEvent))}
  order by id limit ${maxWaiting})`;

const failing: FailureReason[] = [
  ...(["unreachable", "outcome_unknown", "unavailable", "server_error", "invalid_answer"] as const),
];
/** After these an attempt does not count, and the location is paused. */
const pausing: FailureReason[] = ["throttled", "own_limit", "unauthorized", "needs_reauthorization"];
const oneOf = (reasons: FailureReason[]) => sql.raw(reasons.map((reason) => `'${reason}'`).join(", "));

/** Reads what waits, of the oldest 10,000 deliveries, and of the oldest 10,000 events. */
export async function readWaiting(db: Db): Promise<Waiting[]> {
  return selectRows<Waiting>(
    db,
    sql`
      select reason, provider, count(*)::int as count,
        greatest(0, extract(epoch from now() - min(since)))::float8 as "oldestSeconds"
      from (
        select
          case
            when d.kind in ${toPeople} and (select ${areSendsHeld}) or m.paused_at is not null then 'held'
            when ${isTo.highlevel(sql`d.kind`)} and l.paused_reason is not null
              and (l.paused_until is null or l.paused_until > now())
              then case when l.paused_reason in ('throttled', 'own_limit') then l.paused_reason else 'paused' end
            when ${isTo.highlevel(sql`d.kind`)} and l.sealed_token is null and l.company_id is null then 'paused'
            when head.retry_at > now() then head.reason
            when head.retry_at is not null then 'in_line'
            when d.attempts = 0 and d.reason not in (${oneOf(pausing)}) then 'replayed'
            when d.attempts > 0 and d.reason in (${oneOf(failing)}) then 'failing'
            when d.attempts > 0 and d.reason in ('throttled', 'own_limit') then d.reason
            else 'in_line'
          end as reason,
          case when d.kind in ('send-outbound', 'fetch-mail') then coalesce(m.provider, 'unknown')
            when d.kind = 'post-event' then 'endpoint' else 'highlevel' end as provider,
          case
            when head.retry_at > now() then greatest(head.held_at, d.created_at)
            when head.retry_at is not null then greatest(head.retry_at, d.created_at)
            when d.attempts > 0 then d.first_attempted_at
            when d.reason is not null then coalesce(d.replayed_at, d.retry_at, d.created_at)
            else d.created_at
          end as since
        from (${oldest(0)} union all ${oldest(1)}) d
        join conversations c on c.id = d.conversation_id
        join locations l on l.id = c.location_id
        left join mappings m on m.id = c.mapping_id
        left join lateral (
          select held.reason, held.held_at, held.retry_at from (
            select * from deliveries first
            where first.conversation_id = d.conversation_id and first.kind = d.kind and first.state = 'pending'
            order by first.number limit 1
          ) held
          where d.kind = 'send-outbound' and ${isHeldBack(sql`held`)}
        ) head on true
      ) waiting
      group by reason, provider
      order by min(since)`,
  );
}
