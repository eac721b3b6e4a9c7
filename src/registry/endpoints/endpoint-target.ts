import { type Remembered, remember } from "../../concurrency/remember.ts";
import type { EndpointFormat } from "../../model.ts";
import type { Sealer } from "../../secrets/seal.ts";
import { findEndpoint } from "../../store/events/endpoints.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { EndpointRow } from "../../store/schema.ts";
import { rememberSeconds } from "../accounts.ts";

/** What an endpoint is called by. */
export interface Target {
  url: string;
  /** One or two that sign, the current one first; none for Slack, whose URL is the secret. */
  secrets: string[];
}

export const targetContext = (endpointId: string) => `target of endpoint ${endpointId}`;

export const sealTarget = (sealer: Sealer, endpointId: string, target: Target): string =>
  sealer.seal(JSON.stringify(target), targetContext(endpointId));

export const openTarget = (sealer: Sealer, { id, sealedTarget }: Pick<EndpointRow, "id" | "sealedTarget">): Target =>
  JSON.parse(sealer.open(sealedTarget, targetContext(id))) as Target;

/** An endpoint as it is told. */
export interface Endpoint extends Target {
  id: string;
  format: EndpointFormat;
  /** Only what is about these; null for all. */
  locationIds: string[] | null;
  /** Why it is told nothing. */
  disabled: string | undefined;
}

export type Endpoints = Remembered<Endpoint>;

export function createEndpoints({ db, sealer }: { db: Db; sealer: Sealer }): Endpoints {
  const load = async (id: string) => {
    const row = await findEndpoint(db, id);
    return row && openEndpoint(sealer, row);
  };
  return remember(load, { seconds: rememberSeconds });
}

export function openEndpoint(sealer: Sealer, row: EndpointRow): Endpoint {
  const { id, format, locationIds, disabledAt, disabledReason } = row;
  const disabled = disabledAt ? (disabledReason ?? "somebody disabled it") : undefined;
  return { id, format, locationIds, disabled, ...openTarget(sealer, row) };
}
