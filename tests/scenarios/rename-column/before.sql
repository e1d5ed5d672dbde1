CREATE TABLE teams (id bigint PRIMARY KEY, address text UNIQUE);
INSERT INTO teams SELECT i, 'T' || i FROM generate_series(1, 10) i;
CREATE TABLE users (id bigint PRIMARY KEY, name text, mail text NOT NULL DEFAULT 'none' CONSTRAINT mail_not_empty CHECK (mail <> ''));
INSERT INTO users SELECT i, 'Name' || i, 'M' || i FROM generate_series(1, :rows) i;
CREATE INDEX users_mail_lower ON users (lower(mail)) WHERE mail <> 'x';
COMMENT ON COLUMN users.mail IS 'where to';
GRANT UPDATE (mail) ON users TO scene_reader;
