CREATE TABLE reviews (id bigint PRIMARY KEY, book text, rating text DEFAULT '4');
INSERT INTO reviews SELECT i, 'B' || i, CASE WHEN i % 7 = 0 THEN NULL ELSE (i % 5 + 1)::text END FROM generate_series(1, :rows) i;
CREATE INDEX reviews_rating_idx ON reviews (rating);
COMMENT ON COLUMN reviews.rating IS 'as the form sends it';
GRANT SELECT (rating) ON reviews TO scene_reader;
