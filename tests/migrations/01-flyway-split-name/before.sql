CREATE TABLE users (id bigint PRIMARY KEY, full_name text NOT NULL);
CREATE INDEX users_full_name_idx ON users (full_name);
INSERT INTO users SELECT g, 'Ada' || g || ' King' FROM generate_series(1, 300) g;
