CREATE TABLE users (id bigint PRIMARY KEY, mail text, city text);
CREATE VIEW v_users AS SELECT id, mail FROM users;
