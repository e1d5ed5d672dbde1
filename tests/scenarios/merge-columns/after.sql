ALTER TABLE users ADD address jsonb, DROP street, DROP city;
