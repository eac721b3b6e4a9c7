CREATE TABLE "own_secrets" (
	"what" text PRIMARY KEY NOT NULL,
	"sealed_secret" text NOT NULL
);
--> statement-breakpoint
DROP INDEX "message_parts_set";--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "left_out" integer;--> statement-breakpoint
CREATE INDEX "imports_mapping" ON "imports" USING btree ("mapping_id","id");--> statement-breakpoint
CREATE INDEX "imports_open" ON "imports" USING btree ("mapping_id") WHERE "imports"."state" in ('running', 'paused');--> statement-breakpoint
CREATE INDEX "message_parts_set" ON "message_parts" USING btree ("mapping_id","person","ref","total","id");