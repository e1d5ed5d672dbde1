ALTER TABLE items ADD CONSTRAINT items_qty_positive CHECK (qty > 0);
