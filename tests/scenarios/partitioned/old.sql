-- Two writers that move one row to another partition would fail one another: not what is tried here.
SELECT pg_advisory_xact_lock(:id);
WITH w AS (UPDATE readings SET fahrenheit = :n WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
-- or
WITH w AS (INSERT INTO readings (id, at, fahrenheit) VALUES (:n, date '2025-01-01' + (:n % 1500)::int, :n) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
-- or
SELECT pg_advisory_xact_lock(:id);
WITH w AS (DELETE FROM readings WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
SELECT pg_advisory_xact_lock(:id);
WITH w AS (UPDATE readings SET at = date '2025-01-01' + (:n % 1500)::int, fahrenheit = :n WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
