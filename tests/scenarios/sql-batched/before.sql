CREATE TABLE events (id bigint PRIMARY KEY, payload jsonb);
INSERT INTO events SELECT i, jsonb_build_object('v', i, 'debug', repeat('x', 50)) FROM generate_series(1, :rows) i;
