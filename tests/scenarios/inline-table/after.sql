ALTER TABLE users ADD COLUMN street text, ADD COLUMN city text;
UPDATE users u SET street = a.street, city = a.city FROM addresses a WHERE a.user_id = u.id;
COMMENT ON COLUMN users.city IS 'where';
CREATE INDEX users_city_idx ON users (city);
DROP TABLE addresses;
