CREATE TABLE "holds" (
	"what" text PRIMARY KEY NOT NULL,
	"started_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
