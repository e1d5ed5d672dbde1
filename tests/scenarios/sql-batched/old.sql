WITH w AS (UPDATE events SET payload = jsonb_build_object('v', ':n') WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
-- or
WITH w AS (INSERT INTO events (id, payload) VALUES (:n, jsonb_build_object('v', ':n')) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
-- or
WITH w AS (DELETE FROM events WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
