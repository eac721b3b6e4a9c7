import type { ZodType } from "zod";
import type { ApiRequest } from "../calls/call-api.ts";

/** Whose sub-account, and until when. */
export interface Access {
  locationId: string;
  token: string;
  signal?: AbortSignal;
  /** Takes of the limits what others leave. */
  isBehind?: true;
}

/** One call to HighLevel. */
export type Call = <Body>(
  access: Access,
  request: Pick<ApiRequest, "method" | "query" | "body"> &
    Partial<Pick<ApiRequest, "headers">> & { path: string; answer: ZodType<Body>; version?: string },
) => Promise<Body & { status: number }>;
