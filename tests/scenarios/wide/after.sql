ALTER TABLE measures ADD total bigint NOT NULL, ALTER c600 TYPE bigint, DROP c601;
