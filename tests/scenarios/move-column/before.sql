CREATE TABLE users (id bigint PRIMARY KEY, name text, phone text DEFAULT 'none' CONSTRAINT users_phone_check CHECK (phone <> ''));
CREATE INDEX users_phone_idx ON users (phone);
COMMENT ON COLUMN users.phone IS 'in digits';
ALTER TABLE users ALTER phone SET STATISTICS 77;
GRANT UPDATE (phone) ON users TO scene_reader;
CREATE TABLE profiles (id bigserial PRIMARY KEY, user_id bigint NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE, bio text);
INSERT INTO users SELECT i, 'Name' || i, 'P' || i FROM generate_series(1, :rows) i;
INSERT INTO profiles (user_id, bio) SELECT i, 'Bio' || i FROM generate_series(1, :rows) i;
