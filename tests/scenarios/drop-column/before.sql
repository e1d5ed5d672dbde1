CREATE TABLE users (id bigint PRIMARY KEY, name text, legacy text COLLATE "C" NOT NULL DEFAULT '');
INSERT INTO users SELECT i, 'Name' || i, 'L' || i FROM generate_series(1, :rows) i;
GRANT SELECT (legacy) ON users TO scene_reader WITH GRANT OPTION;
COMMENT ON COLUMN users.legacy IS 'it''s old';
ALTER TABLE users ALTER legacy SET STATISTICS 77, ALTER legacy SET STORAGE EXTERNAL;
