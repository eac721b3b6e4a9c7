CREATE TABLE "import_rows" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "import_rows_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"import_id" bigint NOT NULL,
	"line" integer NOT NULL,
	"person" text,
	"sent_at" timestamp with time zone,
	"provider_message_id" text,
	"message" jsonb,
	"consent" text,
	"reason" text
);
--> statement-breakpoint
CREATE TABLE "imports" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "imports_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"mapping_id" uuid NOT NULL,
	"history" jsonb,
	"per_second" integer NOT NULL,
	"is_dry_run" boolean NOT NULL,
	"key_id" bigint,
	"state" text DEFAULT 'running' NOT NULL,
	"stage" text DEFAULT 'reading' NOT NULL,
	"cursor" text,
	"lines" integer DEFAULT 0 NOT NULL,
	"refused" integer DEFAULT 0 NOT NULL,
	"duplicates" integer DEFAULT 0 NOT NULL,
	"people" integer DEFAULT 0 NOT NULL,
	"known_people" integer DEFAULT 0 NOT NULL,
	"begun" integer DEFAULT 0 NOT NULL,
	"reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"next_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "unread_before" integer;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "import_id" bigint;--> statement-breakpoint
ALTER TABLE "import_rows" ADD CONSTRAINT "import_rows_import_id_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."imports"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "imports" ADD CONSTRAINT "imports_mapping_id_mappings_id_fk" FOREIGN KEY ("mapping_id") REFERENCES "public"."mappings"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "imports" ADD CONSTRAINT "imports_key_id_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "import_rows_message" ON "import_rows" USING btree ("import_id","provider_message_id");--> statement-breakpoint
CREATE INDEX "import_rows_order" ON "import_rows" USING btree ("import_id","person","sent_at","line") WHERE "import_rows"."message" is not null;--> statement-breakpoint
CREATE INDEX "import_rows_refused" ON "import_rows" USING btree ("import_id","line") WHERE "import_rows"."reason" is not null;--> statement-breakpoint
CREATE INDEX "imports_running" ON "imports" USING btree ("next_at") WHERE "imports"."state" = 'running';