CREATE TABLE "attempt_counts" (
	"span" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"location_id" text NOT NULL,
	"mapping_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"state" text NOT NULL,
	"outcome" text NOT NULL,
	"count" integer NOT NULL,
	"buckets" integer[] NOT NULL,
	CONSTRAINT "attempt_counts_key" PRIMARY KEY("span","at","location_id","mapping_id","kind","state","outcome")
);
