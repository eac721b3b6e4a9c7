CREATE TABLE "companies" (
	"id" text PRIMARY KEY NOT NULL,
	"sealed_token" text,
	"sealed_refresh_token" text,
	"token_expires_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
DROP INDEX "lanes_due";--> statement-breakpoint
ALTER TABLE "conversations" ALTER COLUMN "mapping_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ALTER COLUMN "mapping_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ALTER COLUMN "provider_message_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ALTER COLUMN "mapping_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "location_id" text;--> statement-breakpoint
UPDATE "conversations" SET "location_id" = "mappings"."location_id" FROM "mappings" WHERE "mappings"."id" = "conversations"."mapping_id";--> statement-breakpoint
ALTER TABLE "conversations" ALTER COLUMN "location_id" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "locations" ADD COLUMN "company_id" text;--> statement-breakpoint
ALTER TABLE "locations" ADD COLUMN "sealed_refresh_token" text;--> statement-breakpoint
ALTER TABLE "locations" ADD COLUMN "token_expires_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "is_default" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "strip_quoted" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "origin" text DEFAULT 'provider' NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "reported_state" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "error" jsonb;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "recipients" jsonb;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "idempotency_key" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "send_request" jsonb;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "send_answer" jsonb;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "source" text DEFAULT 'provider' NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "event_id" text;--> statement-breakpoint
ALTER TABLE "conversations" ADD CONSTRAINT "conversations_location_id_locations_id_fk" FOREIGN KEY ("location_id") REFERENCES "public"."locations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "locations" ADD CONSTRAINT "locations_company_id_companies_id_fk" FOREIGN KEY ("company_id") REFERENCES "public"."companies"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "conversations_contact" ON "conversations" USING btree ("location_id","address") WHERE "conversations"."mapping_id" is null;--> statement-breakpoint
CREATE INDEX "conversations_person" ON "conversations" USING btree ("location_id","highlevel_contact_id") WHERE "conversations"."highlevel_contact_id" is not null;--> statement-breakpoint
CREATE INDEX "lanes_due_highlevel" ON "lanes" USING btree ("location_id","due_at") WHERE "lanes"."due_at" is not null and "lanes"."kind" <> 'send-outbound';--> statement-breakpoint
CREATE INDEX "lanes_due_provider" ON "lanes" USING btree ("location_id","due_at") WHERE "lanes"."due_at" is not null and "lanes"."kind" = 'send-outbound';--> statement-breakpoint
CREATE UNIQUE INDEX "messages_highlevel_id" ON "messages" USING btree ("mapping_id",coalesce("highlevel_email_message_id", "highlevel_message_id")) WHERE "messages"."origin" = 'highlevel';--> statement-breakpoint
CREATE INDEX "messages_email_id" ON "messages" USING btree ("highlevel_email_message_id") WHERE "messages"."highlevel_email_message_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "messages_idempotency_key" ON "messages" USING btree ("idempotency_key") WHERE "messages"."idempotency_key" is not null;--> statement-breakpoint
CREATE INDEX "webhooks_event" ON "webhooks" USING btree ("event_id") WHERE "webhooks"."event_id" is not null;