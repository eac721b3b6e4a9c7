ALTER TABLE "locations" ADD COLUMN "paused_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "replays" ADD COLUMN "user_id" text;