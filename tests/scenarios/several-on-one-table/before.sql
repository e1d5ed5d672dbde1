CREATE TABLE orders (id bigint PRIMARY KEY, note text, amount integer DEFAULT 1, weight int, channel text DEFAULT 'shop'::text);
INSERT INTO orders SELECT i, 'Note' || i, i, i % 200 - 10, CASE WHEN i % 5 > 0 THEN 'phone' END FROM generate_series(1, :rows) i;
