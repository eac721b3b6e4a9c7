CREATE TABLE "message_parts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "message_parts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"mapping_id" uuid NOT NULL,
	"person" text NOT NULL,
	"ref" text NOT NULL,
	"total" integer NOT NULL,
	"number" integer NOT NULL,
	"provider_message_id" text NOT NULL,
	"webhook_id" bigint NOT NULL,
	"state" text NOT NULL,
	"content" jsonb,
	"waits_until" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "message_parts" ADD CONSTRAINT "message_parts_mapping_id_mappings_id_fk" FOREIGN KEY ("mapping_id") REFERENCES "public"."mappings"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "message_parts_set" ON "message_parts" USING btree ("mapping_id","person","ref");--> statement-breakpoint
CREATE INDEX "message_parts_waiting" ON "message_parts" USING btree ("waits_until") WHERE "message_parts"."waits_until" is not null;