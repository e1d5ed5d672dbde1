ALTER TABLE users ADD phone text;
CREATE VIEW reachable AS SELECT id, phone FROM users WHERE phone IS NOT NULL;
