ALTER TABLE "imports" ADD COLUMN "matched_people" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "new_people" integer DEFAULT 0 NOT NULL;