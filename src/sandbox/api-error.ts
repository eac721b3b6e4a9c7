import { randomUUID } from "node:crypto";

/** A refusal in HighLevel's shape: `statusCode`, `message` (a list for a 422), `error`, `canonicalCode`, `traceId`. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly body: Record<string, unknown>;

  constructor(status: number, message: string | string[], more: Record<string, unknown> = {}) {
    super(Array.isArray(message) ? message.join("; ") : message);
    this.status = status;
    const error = { 401: "Unauthorized", 403: "Forbidden", 422: "Unprocessable Entity" }[status];
    this.body = { statusCode: status, message, ...(error ? { error } : {}), ...more, traceId: randomUUID() };
  }
}

export const refuse = {
  validation: (messages: string[]) => new ApiError(422, messages),
  code: (status: number, message: string, canonicalCode: string) => new ApiError(status, message, { canonicalCode }),
};
