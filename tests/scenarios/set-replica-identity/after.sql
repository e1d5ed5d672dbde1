ALTER TABLE events REPLICA IDENTITY USING INDEX events_public_id_key;
