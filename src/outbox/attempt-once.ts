import type { AccessToken, AccessTokens } from "../access/access-tokens.ts";
import { Failure } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import type { DeliveryKind } from "../model.ts";
import type { TraceAttempt } from "../observe/trace.ts";
import { type Attempted, LeaseLost, type Work } from "./attempt.ts";
import { type KindContext, kinds } from "./delivery-kinds.ts";
import { isOutcomeUnknown } from "./retry.ts";

export interface AttemptContext extends KindContext {
  log: Log;
  accessTokens: AccessTokens;
  /** The longest that one attempt may take, all its calls together. */
  attemptSeconds: number;
  /** Absent when nothing is traced. */
  traceAttempt?: TraceAttempt | undefined;
}

export type Tried =
  | { done: Attempted }
  | {
      failure: Failure;
      /** What was to be done may have been done although this attempt failed. */
      isOutcomeUnknown: boolean;
      used: AccessToken | undefined;
    };

/**
 * One attempt, and how it ended. A token that has expired is renewed where that can be done, and the attempt made again:
 * it was refused before anything was carried out. Throws the LeaseLost that `beforeCall` throws, and nothing else.
 */
export async function attemptOnce(
  context: AttemptContext,
  what: Pick<Work, "locationId" | "message" | "conversation" | "isOutcomeUnknown"> & { kind: DeliveryKind },
  beforeCall: () => void = () => undefined,
): Promise<Tried> {
  const { kind, ...about } = what;
  const { target, attempt } = kinds[kind];
  const signal = AbortSignal.timeout(context.attemptSeconds * 1000);
  let isCalling = false;
  let used: AccessToken | undefined;
  const work: Work = {
    ...about,
    signal,
    async access() {
      const { locationId } = about;
      used = await context.accessTokens.get(locationId);
      if (!used) throw new Failure("unauthorized", "the location has no token: PUT /admin/locations/{locationId}");
      return { locationId, token: used.token, signal };
    },
    beforeCall() {
      beforeCall();
      isCalling = true;
    },
  };
  try {
    const done = await attempt(context, work).catch(async (error: unknown) => {
      if (!(await isRenewed(context, about.locationId, error, used))) throw error;
      isCalling = false;
      return attempt(context, work);
    });
    return { done };
  } catch (error) {
    if (error instanceof LeaseLost) throw error;
    const failure = asFailure(context.log, error);
    return { failure, isOutcomeUnknown: isCalling ? isOutcomeUnknown(target, failure.reason) : about.isOutcomeUnknown, used };
  }
}

async function isRenewed(
  { accessTokens }: AttemptContext,
  locationId: string,
  error: unknown,
  used: AccessToken | undefined,
): Promise<boolean> {
  if (!(error instanceof Failure) || error.reason !== "unauthorized" || !used) return false;
  return (await accessTokens.renew(locationId, used.version)) === "renewed";
}

function asFailure(log: Log, error: unknown): Failure {
  if (error instanceof Failure) return error;
  log("error", "delivery.broke", describeError(error));
  return new Failure("internal_error", "the bridge itself failed; its log has a line delivery.broke", { cause: error });
}
