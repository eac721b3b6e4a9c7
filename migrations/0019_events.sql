CREATE TABLE "endpoints" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text,
	"format" text NOT NULL,
	"sealed_target" text NOT NULL,
	"events" text[] NOT NULL,
	"location_ids" text[],
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_delivered_at" timestamp with time zone,
	"last_failed_at" timestamp with time zone,
	"last_failure" jsonb,
	"failing_since" timestamp with time zone,
	"disabled_at" timestamp with time zone,
	"disabled_reason" text
);
--> statement-breakpoint
CREATE TABLE "troubles" (
	"key" text PRIMARY KEY NOT NULL,
	"location_id" text NOT NULL,
	"facts" jsonb NOT NULL,
	"began_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
DROP INDEX "lanes_due_of_provider";--> statement-breakpoint
DROP INDEX "deliveries_waiting";--> statement-breakpoint
ALTER TABLE "deliveries" ALTER COLUMN "message_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "event" jsonb;--> statement-breakpoint
ALTER TABLE "troubles" ADD CONSTRAINT "troubles_location_id_locations_id_fk" FOREIGN KEY ("location_id") REFERENCES "public"."locations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "deliveries_told" ON "deliveries" USING btree ("finished_at") WHERE "deliveries"."kind" = 'post-event' and "deliveries"."state" in ('delivered', 'discarded');--> statement-breakpoint
CREATE INDEX "lanes_due_elsewhere" ON "lanes" USING btree ("location_id","mapping_id","due_at") WHERE "lanes"."due_at" is not null and "lanes"."kind" in ('send-outbound', 'post-event');--> statement-breakpoint
CREATE INDEX "deliveries_waiting" ON "deliveries" USING btree ((case when "kind" = 'post-event' then 1 else 0 end),"id") WHERE "deliveries"."state" = 'pending';