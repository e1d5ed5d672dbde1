CREATE TABLE addresses (
  user_id bigint NOT NULL PRIMARY KEY REFERENCES users (id) ON UPDATE CASCADE ON DELETE CASCADE,
  street text,
  city text NOT NULL DEFAULT '' CONSTRAINT addresses_city_check CHECK (city <> 'x')
);
ALTER TABLE addresses OWNER TO scene_owner;
GRANT SELECT ON addresses TO scene_reader;
GRANT UPDATE (street) ON addresses TO scene_reader;
COMMENT ON COLUMN addresses.city IS 'where';
CREATE INDEX addresses_city_idx ON addresses (lower(city));
CREATE INDEX addresses_street_idx ON addresses (street);
INSERT INTO addresses SELECT id, street, city FROM users WHERE street IS NOT NULL;
ALTER TABLE users DROP COLUMN street, DROP COLUMN city;
