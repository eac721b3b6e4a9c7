CREATE TABLE "accounts" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"provider" text NOT NULL,
	"name" text,
	"location_ids" text[] NOT NULL,
	"sealed_credentials" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "webhooks" DROP CONSTRAINT "webhooks_mapping_id_mappings_id_fk";
--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "account_id" uuid;--> statement-breakpoint
-- Each mapping becomes an account of its own, under the same id: its URL and its sealed credentials stay valid.
INSERT INTO "accounts" ("id", "provider", "name", "location_ids", "sealed_credentials", "created_at", "updated_at", "deleted_at")
SELECT "id", "provider", "name", ARRAY["location_id"], "sealed_credentials", "created_at", "updated_at", "deleted_at" FROM "mappings";--> statement-breakpoint
UPDATE "mappings" SET "account_id" = "id";--> statement-breakpoint
ALTER TABLE "mappings" ALTER COLUMN "account_id" SET NOT NULL;--> statement-breakpoint
-- While processes of 0.2 go on beside this version, what they register, rotate and delete is an account's, too.
CREATE FUNCTION "mapping_of_earlier_version"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' AND NEW."account_id" IS NULL THEN
		INSERT INTO "accounts" ("id", "provider", "name", "location_ids", "sealed_credentials")
		VALUES (NEW."id", NEW."provider", NEW."name", ARRAY[NEW."location_id"], NEW."sealed_credentials");
		NEW."account_id" := NEW."id";
	ELSIF TG_OP = 'UPDATE' AND NEW."account_id" = NEW."id" THEN
		UPDATE "accounts" SET "sealed_credentials" = NEW."sealed_credentials", "deleted_at" = NEW."deleted_at", "updated_at" = now()
		WHERE "id" = NEW."id";
	END IF;
	RETURN NEW;
END
$$;--> statement-breakpoint
CREATE TRIGGER "mappings_of_earlier_version_added" BEFORE INSERT ON "mappings" FOR EACH ROW EXECUTE FUNCTION "mapping_of_earlier_version"();--> statement-breakpoint
CREATE TRIGGER "mappings_of_earlier_version_changed" AFTER UPDATE OF "sealed_credentials" ON "mappings" FOR EACH ROW
WHEN (OLD."deleted_at" IS NULL AND OLD."sealed_credentials" IS DISTINCT FROM NEW."sealed_credentials") EXECUTE FUNCTION "mapping_of_earlier_version"();--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "moved_to" uuid;--> statement-breakpoint
CREATE INDEX "accounts_locations" ON "accounts" USING gin ("location_ids");--> statement-breakpoint
ALTER TABLE "mappings" ADD CONSTRAINT "mappings_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "mappings_of_account" ON "mappings" USING btree ("account_id","address");--> statement-breakpoint
CREATE UNIQUE INDEX "mappings_account" ON "mappings" USING btree ("account_id","address") WHERE "mappings"."deleted_at" is null;