CREATE TABLE "opt_outs" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "opt_outs_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"location_id" text NOT NULL,
	"channel" text NOT NULL,
	"address" text NOT NULL,
	"cause" text NOT NULL,
	"detail" text,
	"message_id" bigint,
	"opted_out_at" timestamp with time zone DEFAULT now() NOT NULL,
	"lifted_at" timestamp with time zone,
	"lifted_by" text
);
--> statement-breakpoint
ALTER TABLE "opt_outs" ADD CONSTRAINT "opt_outs_location_id_locations_id_fk" FOREIGN KEY ("location_id") REFERENCES "public"."locations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "opt_outs_person" ON "opt_outs" USING btree ("location_id","channel","address");--> statement-breakpoint
CREATE INDEX "opt_outs_list" ON "opt_outs" USING btree ("location_id","id");