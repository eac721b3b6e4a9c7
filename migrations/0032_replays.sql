CREATE TABLE "replays" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "replays_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"filter" jsonb NOT NULL,
	"per_second" integer NOT NULL,
	"key_id" bigint,
	"state" text DEFAULT 'running' NOT NULL,
	"counted" integer NOT NULL,
	"replayed" integer DEFAULT 0 NOT NULL,
	"after" bigint,
	"reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"next_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "replay_id" bigint;--> statement-breakpoint
ALTER TABLE "replays" ADD CONSTRAINT "replays_key_id_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "replays_running" ON "replays" USING btree ("next_at") WHERE "replays"."state" = 'running';