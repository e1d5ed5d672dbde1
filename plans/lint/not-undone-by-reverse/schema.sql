CREATE TABLE users (id bigint PRIMARY KEY, full_name text);
INSERT INTO users VALUES (1, ' Ada Lovelace '), (2, 'Kurt');
ANALYZE users;
