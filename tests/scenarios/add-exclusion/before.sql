CREATE TABLE bookings (id bigint PRIMARY KEY, room int, begins timestamptz, ends timestamptz, cancelled boolean NOT NULL DEFAULT false, title text);
INSERT INTO bookings SELECT i, i / 10, TIMESTAMPTZ '2030-01-01 00:00+00' + i * interval '1 day', TIMESTAMPTZ '2030-01-01 20:00+00' + i * interval '1 day', false, 'T' FROM generate_series(1, :rows) i;
