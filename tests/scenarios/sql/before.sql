CREATE TABLE orders (id bigint PRIMARY KEY, remark text, total numeric);
INSERT INTO orders SELECT i, 'R' || i, i FROM generate_series(1, :rows) i;
