CREATE TABLE users (id bigint PRIMARY KEY, city text, mail text NOT NULL, legacy_code integer DEFAULT 3);
INSERT INTO users SELECT g, CASE WHEN g % 5 > 0 THEN 'Bonn' END, 'u' || g || '@x', 1 FROM generate_series(1, 300) g;
