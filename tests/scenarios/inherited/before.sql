CREATE TABLE places (id bigint PRIMARY KEY, name text NOT NULL, people int DEFAULT 0);
CREATE TABLE capitals (country text, PRIMARY KEY (id)) INHERITS (places);
CREATE TABLE old_capitals (until date, PRIMARY KEY (id)) INHERITS (capitals);
INSERT INTO places SELECT i, 'P' || i, nullif(i, 4) FROM generate_series(1, :rows, 3) i;
INSERT INTO capitals SELECT i, CASE WHEN i % 50 = 0 THEN '' ELSE 'C' || i END, i, 'xx' FROM generate_series(2, :rows, 3) i;
INSERT INTO old_capitals SELECT i, 'O' || i, CASE WHEN i % 30 > 0 THEN i END, 'yy', '1900-01-01' FROM generate_series(3, :rows, 3) i;
