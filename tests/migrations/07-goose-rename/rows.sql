-- Teams that are there: the foreign key is checked.
INSERT INTO teams SELECT g FROM generate_series(1, 10) g;
INSERT INTO users SELECT g, 'u' || g || '@x', g % 10 + 1 FROM generate_series(1, 40) g;
