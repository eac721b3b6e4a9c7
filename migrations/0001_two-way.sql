CREATE TABLE "budgets" (
	"location_id" text PRIMARY KEY NOT NULL,
	"interval_started_at" timestamp with time zone NOT NULL,
	"interval_used" integer NOT NULL,
	"day_started_at" timestamp with time zone NOT NULL,
	"day_used" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "companies" (
	"id" text PRIMARY KEY NOT NULL,
	"sealed_token" text,
	"sealed_refresh_token" text,
	"token_expires_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "keys" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "keys_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"location_ids" text[],
	"access" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "messages" DROP CONSTRAINT "messages_webhook_id_webhooks_id_fk";
--> statement-breakpoint
DROP INDEX "lanes_due";--> statement-breakpoint
DROP INDEX "messages_webhook";--> statement-breakpoint
ALTER TABLE "conversations" ALTER COLUMN "mapping_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ALTER COLUMN "mapping_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ALTER COLUMN "provider_message_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ALTER COLUMN "mapping_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "location_id" text;--> statement-breakpoint
UPDATE "conversations" SET "location_id" = "mappings"."location_id" FROM "mappings" WHERE "mappings"."id" = "conversations"."mapping_id";--> statement-breakpoint
ALTER TABLE "conversations" ALTER COLUMN "location_id" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "lanes" ADD COLUMN "claimed_from" bigint;--> statement-breakpoint
ALTER TABLE "locations" ADD COLUMN "company_id" text;--> statement-breakpoint
ALTER TABLE "locations" ADD COLUMN "sealed_refresh_token" text;--> statement-breakpoint
ALTER TABLE "locations" ADD COLUMN "token_expires_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "on_unknown_outcome" text DEFAULT 'repost' NOT NULL;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "is_default" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "strip_quoted" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "origin" text DEFAULT 'provider' NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "reported_state" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "error" jsonb;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "recipients" jsonb;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "requested_id" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "idempotency_key" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "send_request" jsonb;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "send_answer" jsonb;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "source" text DEFAULT 'provider' NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "event_id" text;--> statement-breakpoint
ALTER TABLE "budgets" ADD CONSTRAINT "budgets_location_id_locations_id_fk" FOREIGN KEY ("location_id") REFERENCES "public"."locations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "keys_hash" ON "keys" USING btree ("hash");--> statement-breakpoint
ALTER TABLE "conversations" ADD CONSTRAINT "conversations_location_id_locations_id_fk" FOREIGN KEY ("location_id") REFERENCES "public"."locations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "locations" ADD CONSTRAINT "locations_company_id_companies_id_fk" FOREIGN KEY ("company_id") REFERENCES "public"."companies"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "conversations_contact" ON "conversations" USING btree ("location_id","address") WHERE "conversations"."mapping_id" is null;--> statement-breakpoint
CREATE INDEX "conversations_person" ON "conversations" USING btree ("location_id","highlevel_contact_id") WHERE "conversations"."highlevel_contact_id" is not null;--> statement-breakpoint
CREATE INDEX "lanes_due_highlevel" ON "lanes" USING btree ("location_id","due_at") WHERE "lanes"."due_at" is not null and "lanes"."kind" <> 'send-outbound';--> statement-breakpoint
CREATE INDEX "lanes_due_provider" ON "lanes" USING btree ("location_id","due_at") WHERE "lanes"."due_at" is not null and "lanes"."kind" = 'send-outbound';--> statement-breakpoint
CREATE UNIQUE INDEX "messages_requested" ON "messages" USING btree ("mapping_id","requested_id") WHERE "messages"."requested_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "messages_idempotency_key" ON "messages" USING btree ("idempotency_key") WHERE "messages"."idempotency_key" is not null;--> statement-breakpoint
CREATE INDEX "webhooks_event" ON "webhooks" USING btree ("event_id") WHERE "webhooks"."event_id" is not null;