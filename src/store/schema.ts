/** All tables, and what their rows are. */
export * from "./schema/accounts.ts";
export * from "./schema/attempts.ts";
export * from "./schema/conversations.ts";
export * from "./schema/deliveries.ts";
export * from "./schema/endpoints.ts";
export * from "./schema/imports.ts";
export * from "./schema/keys.ts";
export * from "./schema/locations.ts";
export * from "./schema/mappings.ts";
export * from "./schema/messages.ts";
export * from "./schema/replays.ts";
export * from "./schema/webhooks.ts";
