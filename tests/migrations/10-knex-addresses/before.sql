CREATE TABLE people (id bigint PRIMARY KEY, street text, city text, country text DEFAULT 'de', touched timestamptz);
INSERT INTO people (id, street, city) SELECT g, 'Weg ' || g, 'Bonn' FROM generate_series(1, 300) g;
