CREATE TABLE users (id bigint PRIMARY KEY, mail text, city text);
CREATE INDEX users_mail_idx ON users (mail);
