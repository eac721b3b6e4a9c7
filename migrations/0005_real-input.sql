ALTER TABLE "conversations" ADD COLUMN "service" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "fingerprint" text;