CREATE INDEX lines_tenant_order_no_idx ON lines (tenant, order_no);
ALTER TABLE lines ADD CONSTRAINT lines_tenant_order_no_fkey FOREIGN KEY (tenant, order_no) REFERENCES orders (tenant, no) ON DELETE CASCADE;
