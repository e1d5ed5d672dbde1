CREATE TABLE users (id bigint PRIMARY KEY, street text, city varchar(40) DEFAULT 'Bonn', country text);
INSERT INTO users SELECT i, 'Weg ' || i, 'Bonn', CASE WHEN i % 3 = 0 THEN 'fr' ELSE 'de' END FROM generate_series(1, :rows) i;
