UPDATE users SET city = '' WHERE city IS NULL; ALTER TABLE users ALTER city SET NOT NULL;
