CREATE TABLE users (id bigint PRIMARY KEY, town text, city text);
CREATE INDEX users_city_idx ON users (city);
