ALTER TABLE users ADD phone text, DROP area, DROP number;
CREATE INDEX users_phone_idx ON users (phone);
