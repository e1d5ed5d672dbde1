CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := now(); RETURN NEW; END $$;
CREATE TABLE users (
  id bigserial PRIMARY KEY, name text COLLATE "C" NOT NULL DEFAULT 'nobody', mail text UNIQUE, "Shoe Size" int,
  loud text GENERATED ALWAYS AS (upper(name)) STORED, touched timestamptz);
INSERT INTO users (name, mail) SELECT 'Name' || i, 'M' || i FROM generate_series(1, :rows) i;
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint CONSTRAINT orders_user_fkey REFERENCES users ON DELETE CASCADE);
INSERT INTO orders SELECT i, i FROM generate_series(1, :rows) i;
CREATE INDEX users_name ON users (lower(name));
CREATE TRIGGER touched BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW named AS SELECT id, name FROM users WHERE name <> '';
ALTER TABLE users OWNER TO scene_owner;
COMMENT ON TABLE users IS 'who may come in';
COMMENT ON COLUMN users.mail IS 'where to';
GRANT SELECT ON users TO scene_reader;
GRANT INSERT (name, "Shoe Size"), UPDATE ("Shoe Size") ON users TO scene_reader WITH GRANT OPTION;
