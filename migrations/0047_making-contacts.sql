ALTER TABLE "conversations" ADD COLUMN "contact_made_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "daily_sends" ADD COLUMN "counted_at" timestamp with time zone;