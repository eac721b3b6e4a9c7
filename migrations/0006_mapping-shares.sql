DROP INDEX "lanes_due_highlevel";--> statement-breakpoint
DROP INDEX "lanes_due_provider";--> statement-breakpoint
ALTER TABLE "lanes" ADD COLUMN "mapping_id" uuid DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL;--> statement-breakpoint
UPDATE "lanes" SET "mapping_id" = "conversations"."mapping_id" FROM "conversations" WHERE "conversations"."id" = "lanes"."conversation_id" AND "conversations"."mapping_id" IS NOT NULL AND "lanes"."due_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "lanes_due_of_highlevel" ON "lanes" USING btree ("location_id","mapping_id","due_at") WHERE "lanes"."due_at" is not null and "lanes"."kind" <> 'send-outbound';--> statement-breakpoint
CREATE INDEX "lanes_due_of_provider" ON "lanes" USING btree ("location_id","mapping_id","due_at") WHERE "lanes"."due_at" is not null and "lanes"."kind" = 'send-outbound';