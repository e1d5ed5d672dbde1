ALTER TABLE users ADD first_name text NOT NULL, ADD last_name text, DROP full_name;
CREATE INDEX users_last_name_idx ON users (last_name);
