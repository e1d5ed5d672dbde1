CREATE INDEX documents_reference_idx ON documents USING hash (reference);
CREATE INDEX documents_tags_idx ON documents USING gin (tags) WITH (fastupdate = off);
CREATE INDEX documents_added_idx ON documents USING brin (added) WITH (pages_per_range = 32);
CREATE INDEX documents_title_idx ON documents (title COLLATE "C" text_pattern_ops, added DESC NULLS LAST) INCLUDE (reference) WITH (fillfactor = 90);
