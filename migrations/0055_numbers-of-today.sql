-- As numberOfToday() of src/formats/phone-number.ts has it: in Brazil with the ninth digit, in Mexico without the 1.
UPDATE "conversations" SET "spelling" = coalesce("spelling", "address"),
  "address" = regexp_replace(regexp_replace("address", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1')
WHERE "mapping_id" IS NOT NULL AND "address" ~ '^(\+55[1-9][1-9][6-9]\d{7}|\+521[2-9]\d{9})$' AND NOT EXISTS (
  SELECT FROM "conversations" "other" WHERE "other"."mapping_id" = "conversations"."mapping_id" AND "other"."address"
    = regexp_replace(regexp_replace("conversations"."address", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1')
);--> statement-breakpoint
UPDATE "opt_outs" SET
  "address" = regexp_replace(regexp_replace("address", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1')
WHERE "address" ~ '^(\+55[1-9][1-9][6-9]\d{7}|\+521[2-9]\d{9})$' AND NOT EXISTS (
  SELECT FROM "opt_outs" "other" WHERE "other"."location_id" = "opt_outs"."location_id"
    AND "other"."channel" = "opt_outs"."channel" AND "other"."address"
    = regexp_replace(regexp_replace("opt_outs"."address", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1')
);
