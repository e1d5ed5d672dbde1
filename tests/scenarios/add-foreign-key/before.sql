CREATE TABLE users (id bigint PRIMARY KEY);
INSERT INTO users SELECT i FROM generate_series(1, 100) i;
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
INSERT INTO orders SELECT i, i % 120 FROM generate_series(1, :rows) i;
