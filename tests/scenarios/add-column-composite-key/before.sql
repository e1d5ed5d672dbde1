CREATE TABLE lines (shop text, id bigint, name text, PRIMARY KEY (shop, id));
INSERT INTO lines SELECT 'S' || i % 3, i, 'Name' || i FROM generate_series(1, :rows) i;
