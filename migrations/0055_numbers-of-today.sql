-- As numberOfToday() of src/formats/phone-number.ts has it: in Brazil with the ninth digit, in Mexico without the 1.
UPDATE "conversations" SET "spelling" = coalesce("spelling", "address"),
  "address" = regexp_replace(regexp_replace("address", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1')
WHERE "mapping_id" IS NOT NULL AND "address" ~ '^(\+55[1-9][1-9][6-9]\d{7}|\+521[2-9]\d{9})$' AND NOT EXISTS (
  SELECT FROM "conversations" "other" WHERE "other"."mapping_id" = "conversations"."mapping_id" AND "other"."address"
    = regexp_replace(regexp_replace("conversations"."address", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1')
);--> statement-breakpoint
-- Who has both, and wrote by the former one last, is answered by it.
UPDATE "conversations" SET "spelling" = coalesce("former"."spelling", "former"."address"), "service" = "former"."service"
FROM "conversations" "former"
WHERE "former"."mapping_id" = "conversations"."mapping_id" AND "former"."address" ~ '^(\+55[1-9][1-9][6-9]\d{7}|\+521[2-9]\d{9})$'
  AND "conversations"."address"
    = regexp_replace(regexp_replace("former"."address", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1')
  AND (SELECT max("id") FROM "messages" WHERE "conversation_id" = "former"."id" AND "direction" = 'inbound')
    > coalesce((SELECT max("id") FROM "messages" WHERE "conversation_id" = "conversations"."id" AND "direction" = 'inbound'), 0);--> statement-breakpoint
-- Of two opt-outs of one person the one stays that stands, and of those the strongest, then the newest.
DELETE FROM "opt_outs" USING "opt_outs" "other"
WHERE "opt_outs"."address" ~ '^\+(55|52)\d+$' AND "other"."address" ~ '^\+(55|52)\d+$'
  AND "other"."location_id" = "opt_outs"."location_id" AND "other"."channel" = "opt_outs"."channel"
  AND regexp_replace(regexp_replace("other"."address", '^(\+55[1-9][1-9])([6-9]\d{7})$', '\19\2'), '^\+521([2-9]\d{9})$', '+52\1')
    = regexp_replace(regexp_replace("opt_outs"."address", '^(\+55[1-9][1-9])([6-9]\d{7})$', '\19\2'), '^\+521([2-9]\d{9})$', '+52\1')
  AND ("opt_outs"."lifted_at" IS NULL, array_position('{highlevel,bounce,refusal,unsubscribe,complaint,provider,word,import,operator}', "opt_outs"."cause"), "opt_outs"."opted_out_at", "opt_outs"."id")
    < ("other"."lifted_at" IS NULL, array_position('{highlevel,bounce,refusal,unsubscribe,complaint,provider,word,import,operator}', "other"."cause"), "other"."opted_out_at", "other"."id");--> statement-breakpoint
UPDATE "opt_outs" SET
  "address" = regexp_replace(regexp_replace("address", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1')
WHERE "address" ~ '^(\+55[1-9][1-9][6-9]\d{7}|\+521[2-9]\d{9})$';--> statement-breakpoint
-- What an import has yet to post, and parts of texts that wait for the others: they name the person, too.
UPDATE "import_rows" SET
  "person" = regexp_replace(regexp_replace("person", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1'),
  "message" = CASE WHEN "message" ->> 'direction' = 'outbound'
    THEN jsonb_set("message", '{to,0}', to_jsonb(regexp_replace(regexp_replace("person", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1')))
    ELSE "message" || jsonb_build_object('fromSpelling', "person", 'from', regexp_replace(regexp_replace("person", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1')) END
WHERE "person" ~ '^(\+55[1-9][1-9][6-9]\d{7}|\+521[2-9]\d{9})$';--> statement-breakpoint
UPDATE "message_parts" SET
  "person" = regexp_replace(regexp_replace("person", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1'),
  "content" = "content" || jsonb_build_object('fromSpelling', "person", 'from', regexp_replace(regexp_replace("person", '^(\+55..)(.{8})$', '\19\2'), '^\+521(.{10})$', '+52\1'))
WHERE "person" ~ '^(\+55[1-9][1-9][6-9]\d{7}|\+521[2-9]\d{9})$';
