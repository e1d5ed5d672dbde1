CREATE INDEX orders_open_idx ON orders (placed_at) WHERE open;
CREATE INDEX orders_customer_id_expr_idx ON orders (customer_id, lower(reference)) INCLUDE (total);
