BEGIN;
--
-- Add field priority to order
--
ALTER TABLE "shop_order" ADD COLUMN "priority" integer DEFAULT 0 NOT NULL CHECK ("priority" >= 0);
ALTER TABLE "shop_order" ALTER COLUMN "priority" DROP DEFAULT;
--
-- Add field customer to order
--
ALTER TABLE "shop_order" ADD COLUMN "customer_id" bigint NULL;
CREATE INDEX "shop_order_customer_id_4c1b" ON "shop_order" ("customer_id");
ALTER TABLE "shop_order" ADD CONSTRAINT "shop_order_customer_id_4c1b_fk" FOREIGN KEY ("customer_id") REFERENCES "shop_customer" ("id") DEFERRABLE INITIALLY DEFERRED;
COMMIT;
