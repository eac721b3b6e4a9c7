import { randomUUID } from "node:crypto";
import type { CallApi } from "../calls/call-api.ts";
import { Failure, type FailureReason } from "../errors.ts";
import type { Endpoint } from "../registry/endpoints/endpoint-target.ts";
import { postToEndpoint } from "./post-to-endpoint.ts";

export interface TestContext {
  /** The way out to endpoints. */
  callEndpoint: CallApi;
}

export interface EndpointTest {
  isDelivered: boolean;
  /** What it answered, if it did. */
  status?: number | undefined;
  reason?: FailureReason | undefined;
  detail?: string | undefined;
}

/** Posts an event that is about nothing, at once and once, also to an endpoint that is disabled. */
export async function testEndpoint({ callEndpoint }: TestContext, endpoint: Endpoint): Promise<EndpointTest> {
  const body = { type: "endpoint.test" as const, timestamp: new Date().toISOString(), data: {} };
  try {
    const { status } = await postToEndpoint(callEndpoint, endpoint, { id: randomUUID(), body });
    return { isDelivered: true, status };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { reason, status, message: detail } = error;
    return { isDelivered: false, status, reason, detail };
  }
}
