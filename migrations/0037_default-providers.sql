ALTER TABLE "locations" ADD COLUMN "default_providers" jsonb;--> statement-breakpoint
ALTER TABLE "locations" ADD COLUMN "defaults_asked_at" timestamp with time zone;