CREATE TABLE "marketplace_apps" (
	"what" text PRIMARY KEY NOT NULL,
	"client_id" text NOT NULL,
	"sealed_secrets" text NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
