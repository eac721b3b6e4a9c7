DROP INDEX "mappings_address";--> statement-breakpoint
CREATE UNIQUE INDEX "mappings_address" ON "mappings" USING btree ("location_id","provider","address") WHERE "mappings"."deleted_at" is null;