CREATE TABLE log (id bigint NOT NULL, line text NOT NULL);
CREATE UNIQUE INDEX log_id ON log (id);
INSERT INTO log SELECT i, CASE WHEN i % 100 = 0 THEN '' ELSE 'K' || i % 5 || ' ' || i END FROM generate_series(1, :rows) i;
