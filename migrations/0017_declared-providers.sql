CREATE TABLE "providers" (
	"name" text PRIMARY KEY NOT NULL,
	"document" json NOT NULL,
	"version" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone
);
