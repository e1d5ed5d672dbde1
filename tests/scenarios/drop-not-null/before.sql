CREATE TABLE users (id bigint PRIMARY KEY, name text, fax text NOT NULL);
INSERT INTO users SELECT i, 'N' || i, 'F' || i FROM generate_series(1, :rows) i;
COMMENT ON COLUMN users.fax IS 'rarely used';
