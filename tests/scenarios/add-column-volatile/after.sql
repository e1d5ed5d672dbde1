ALTER TABLE users ADD token uuid NOT NULL DEFAULT gen_random_uuid();
