ALTER TABLE users ADD handle text; UPDATE users SET handle = 'h' || id;
CREATE UNIQUE INDEX users_handle_idx ON users (handle) NULLS NOT DISTINCT;
