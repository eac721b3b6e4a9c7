CREATE TABLE "refused_webhooks" (
	"owner_id" uuid NOT NULL,
	"source" text NOT NULL,
	"reason" text NOT NULL,
	"count" bigint NOT NULL,
	"detail" jsonb NOT NULL,
	"first_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "refused_webhooks_owner_id_source_reason_pk" PRIMARY KEY("owner_id","source","reason")
);
