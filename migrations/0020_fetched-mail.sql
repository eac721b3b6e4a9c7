ALTER TABLE "deliveries" ADD COLUMN "webhook_id" bigint;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "fetched_from" integer;