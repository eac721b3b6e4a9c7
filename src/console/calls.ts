import type { createOperations } from "../http/admin/operations.ts";

/** What the console may do: the operations of the API, and nothing else. */
export type Calls = ReturnType<typeof createOperations>;

export type BodyOf<Id extends keyof Calls, Status extends number> = Extract<
  Awaited<ReturnType<Calls[Id]>>,
  { status: Status }
>["body"];

export type ListedMessage = BodyOf<"listMessages", 200>["items"][number];
export type WholeMessage = Omit<BodyOf<"getMessage", 200>, "steps" | "posted">;
export type ProblemGroup = BodyOf<"listProblems", 200>["items"][number];
export type ListedWebhook = BodyOf<"listWebhooks", 200>["items"][number];
export type Mapping = BodyOf<"getMapping", 200>;
export type ListedMapping = BodyOf<"listMappings", 200>["items"][number];
export type Location = BodyOf<"listLocations", 200>["items"][number];
export type Metrics = BodyOf<"getMetrics", 200>;
export type AuditEntry = BodyOf<"listAudit", 200>["items"][number];
