DROP VIEW old_report;
DROP FUNCTION old_total(bigint);
DROP TABLE old_carts;
DROP TYPE old_status;
DROP INDEX orders_old_idx;
