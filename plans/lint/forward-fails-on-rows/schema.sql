CREATE TABLE users (id bigint PRIMARY KEY, age text);
INSERT INTO users VALUES (1, '36'), (2, 'about forty');
ANALYZE users;
