CREATE TABLE users (id bigint NOT NULL UNIQUE, town text, city text);
CREATE PUBLICATION users_out FOR TABLE users;
