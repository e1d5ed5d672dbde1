CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('ae1027a6acf4');
CREATE TABLE orders (id serial PRIMARY KEY, total numeric(12, 2) NOT NULL);
INSERT INTO orders (total) SELECT g FROM generate_series(1, 300) g;
