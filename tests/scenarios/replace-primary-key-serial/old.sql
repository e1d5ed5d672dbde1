WITH w AS (UPDATE users SET name = 'N:n' WHERE id = :id RETURNING id, name)
INSERT INTO scene.wrote (id, value) SELECT id, name FROM w;
-- or
WITH u AS (INSERT INTO users (name, boss_id) SELECT 'Born:n', id FROM users WHERE id = :id FOR KEY SHARE RETURNING id, name), l AS (
  INSERT INTO lines (user_id, line, note) SELECT id, 1, 'First' FROM u RETURNING user_id, line), n AS (
  INSERT INTO notes (id, user_id, line) SELECT :n, user_id, line FROM l), v AS (
  INSERT INTO visits (user_id, wide) SELECT id, id FROM u)
INSERT INTO scene.wrote (id, value) SELECT id, name FROM u;
-- or
INSERT INTO visits (user_id) SELECT id FROM users WHERE id = :id FOR KEY SHARE;
-- or
INSERT INTO lines (user_id, line, note) SELECT id, :n, 'More' FROM users WHERE id = :id FOR KEY SHARE ON CONFLICT DO NOTHING;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
