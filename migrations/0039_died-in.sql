ALTER TABLE "deliveries" ADD COLUMN "died_in" text;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "died_on" uuid;