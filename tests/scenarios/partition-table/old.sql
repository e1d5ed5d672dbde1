WITH w AS (UPDATE events SET kind = ' N:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'N:n' FROM w;
-- or
WITH w AS (UPDATE recent SET kind = 'V:n', tenant_id = 1 + :n % 10 WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'V:n' FROM w;
-- or
WITH w AS (INSERT INTO events (kind, created_at, tenant_id) VALUES ('I:n', timestamptz '2024-11-01 00:00+00' + :n % 900 * interval '1 day', 1 + :n % 10) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (DELETE FROM events WHERE id = :id AND id % 3 = 0 RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
INSERT INTO tenants VALUES (1000000 + :n, 'new');
INSERT INTO events (tenant_id) VALUES (1000000 + :n);
DELETE FROM events WHERE tenant_id = 1000000 + :n;
DELETE FROM tenants WHERE id = 1000000 + :n;
-- or
WITH w AS (UPDATE events SET created_at = timestamptz '2024-11-01 00:00+00' + :n % 900 * interval '1 day', kind = 'M:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'M:n' FROM w;
