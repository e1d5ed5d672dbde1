ALTER TABLE sales."Order Items" ADD amount_cents bigint, DROP amount;
CREATE INDEX ON sales."Order Items" (amount_cents);
