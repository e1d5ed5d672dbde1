ALTER TABLE bookings ADD CONSTRAINT bookings_no_overlap EXCLUDE USING gist (int4range(room, room, '[]') WITH &&, tstzrange(begins, ends) WITH &&) WHERE (NOT cancelled);
