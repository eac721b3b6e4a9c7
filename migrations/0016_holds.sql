CREATE TABLE "holds" (
	"what" text PRIMARY KEY NOT NULL,
	"started_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);--> statement-breakpoint
-- In a transaction of its own, not in that of 0015: with a million messages each index takes some of a second.
CREATE INDEX IF NOT EXISTS "messages_highlevel" ON "messages" USING brin ("highlevel_message_id" text_bloom_ops,"highlevel_email_message_id" text_bloom_ops) WITH (pages_per_range=32,autosummarize=true);