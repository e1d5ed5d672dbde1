ALTER TABLE products ADD CONSTRAINT products_code_key UNIQUE (tenant, code);
