CREATE TABLE users (id bigint PRIMARY KEY, mail text, age int);
INSERT INTO users VALUES (1, 'a@x', -1);
ALTER TABLE users ADD CONSTRAINT grown CHECK (age >= 0) NOT VALID;
