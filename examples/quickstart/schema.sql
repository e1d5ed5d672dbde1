-- The shop's users. The counters say how often each image has changed a name, so that what a name must be
-- is known for every row at any time: 'Ann<n> Smith<n>' after n changes, and the seed's name after none.
CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  full_name text NOT NULL,
  edits_v41 integer NOT NULL DEFAULT 0,
  edits_v42 integer NOT NULL DEFAULT 0,
  born_of text NOT NULL DEFAULT 'seed'
);
INSERT INTO users (full_name) SELECT 'First' || n || ' Last' || n FROM generate_series(1, :rows) AS n;
CREATE INDEX users_full_name_idx ON users (full_name);
VACUUM ANALYZE users;
