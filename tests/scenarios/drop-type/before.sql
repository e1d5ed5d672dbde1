CREATE TYPE old_status AS ENUM ('new', 'paid');
COMMENT ON TYPE old_status IS 'old';
ALTER TYPE old_status OWNER TO scene_owner;
GRANT USAGE ON TYPE old_status TO scene_reader;
CREATE TABLE orders (id bigint PRIMARY KEY, status text);
INSERT INTO orders SELECT i, 'new' FROM generate_series(1, :rows) i;
