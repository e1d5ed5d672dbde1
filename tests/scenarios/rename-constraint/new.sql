WITH w AS (INSERT INTO orders AS o (id, reference, status) VALUES (:n, 'R:id', 'U:n') ON CONFLICT (reference) DO UPDATE SET status = 'U:n' RETURNING o.id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
