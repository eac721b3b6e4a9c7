ALTER TABLE "deliveries" DROP CONSTRAINT "deliveries_conversation_id_conversations_id_fk";
--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "duration_ms" integer;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "status" integer;--> statement-breakpoint
-- Most messages get HighLevel's ids soon after they are stored: room beside them spares an entry in each index.
ALTER TABLE "messages" SET (fillfactor = 85);
