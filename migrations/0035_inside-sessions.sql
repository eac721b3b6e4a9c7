ALTER TABLE "sessions" ADD COLUMN "user_id" text;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "location_id" text;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "access" text;