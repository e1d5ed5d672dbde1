ALTER TABLE places ADD kind text NOT NULL DEFAULT 'place', ALTER people SET NOT NULL, ADD CONSTRAINT places_named CHECK (name <> '');
