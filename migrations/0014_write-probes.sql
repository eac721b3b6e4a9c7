CREATE TABLE "write_probes" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"filler" "bytea" NOT NULL
);
