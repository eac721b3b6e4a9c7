DROP INDEX "deliveries_waiting";--> statement-breakpoint
CREATE INDEX "messages_failed" ON "messages" USING btree ("id") WHERE "messages"."state" = 'failed';--> statement-breakpoint
CREATE INDEX "deliveries_waiting" ON "deliveries" USING btree ("id") WHERE "deliveries"."state" = 'pending';