ALTER TABLE "conversations" ADD COLUMN "spelling" text;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "post_lists" text DEFAULT 'people' NOT NULL;