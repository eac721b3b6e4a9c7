CREATE TABLE "mailboxes" (
	"account_id" uuid PRIMARY KEY NOT NULL,
	"place" text,
	"uid_validity" bigint,
	"last_uid" bigint,
	"baseline_uid" bigint,
	"since" timestamp with time zone DEFAULT now() NOT NULL,
	"moved_uid" bigint,
	"lease_token" uuid,
	"leased_until" timestamp with time zone,
	"fetched_at" timestamp with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	"failing_since" timestamp with time zone,
	"failed_at" timestamp with time zone,
	"retry_at" timestamp with time zone,
	"reason" text,
	"detail" text
);
--> statement-breakpoint
ALTER TABLE "mailboxes" ADD CONSTRAINT "mailboxes_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;