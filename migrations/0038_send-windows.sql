CREATE TABLE "daily_sends" (
	"mapping_id" uuid PRIMARY KEY NOT NULL,
	"day" date NOT NULL,
	"count" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "held_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "released_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "counted_on" date;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "send_from" text;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "send_until" text;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "send_days" text[];--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "time_zone" text;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "answer_hours" integer;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "daily_cap" integer;--> statement-breakpoint
ALTER TABLE "daily_sends" ADD CONSTRAINT "daily_sends_mapping_id_mappings_id_fk" FOREIGN KEY ("mapping_id") REFERENCES "public"."mappings"("id") ON DELETE no action ON UPDATE no action;