CREATE TABLE users (id bigint PRIMARY KEY, name text);
CREATE TABLE addresses (id bigserial PRIMARY KEY, user_id bigint NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE, street text, city text);
CREATE INDEX addresses_city_idx ON addresses (city);
COMMENT ON COLUMN addresses.city IS 'where';
GRANT SELECT ON users, addresses TO scene_reader;
INSERT INTO users SELECT i, 'Name' || i FROM generate_series(1, :rows) i;
INSERT INTO addresses (user_id, street, city) SELECT i, 'S' || i, 'C' || i FROM generate_series(1, :rows) i WHERE i % 3 > 0;
