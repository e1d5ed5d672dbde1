CREATE TABLE users (id bigint PRIMARY KEY, name text, street text, city text NOT NULL DEFAULT '' CONSTRAINT users_city_check CHECK (city <> 'x'));
CREATE INDEX users_city_idx ON users (lower(city));
CREATE INDEX users_street_idx ON users (street);
COMMENT ON COLUMN users.city IS 'where';
GRANT SELECT ON users TO scene_reader;
GRANT UPDATE (street) ON users TO scene_reader;
ALTER TABLE users OWNER TO scene_owner;
INSERT INTO users SELECT i, 'Name' || i, 'S' || i, 'C' || i FROM generate_series(1, :rows) i WHERE i % 3 > 0;
INSERT INTO users SELECT i, 'Name' || i FROM generate_series(1, :rows) i WHERE i % 3 = 0;
