CREATE TABLE "audit" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"who" text NOT NULL,
	"method" text NOT NULL,
	"route" text,
	"status" integer NOT NULL,
	"is_answered" boolean NOT NULL,
	"ids" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "replayed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "note" text;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "last_used_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "expires_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "audit_who" ON "audit" USING btree ("who","id");--> statement-breakpoint
CREATE INDEX "conversations_highlevel" ON "conversations" USING btree ("location_id","highlevel_conversation_id") WHERE "conversations"."highlevel_conversation_id" is not null;--> statement-breakpoint
CREATE INDEX "messages_webhook" ON "messages" USING btree ("webhook_id") WHERE "messages"."webhook_id" is not null;