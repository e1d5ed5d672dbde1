DROP INDEX orders_old_idx;
ALTER TABLE orders DROP CONSTRAINT orders_total_check;
