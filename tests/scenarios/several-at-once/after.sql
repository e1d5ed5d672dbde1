ALTER TABLE reviews DROP rating, ADD stars integer NOT NULL DEFAULT 5 CONSTRAINT reviews_stars_check CHECK (stars BETWEEN 1 AND 5);
CREATE INDEX reviews_stars_idx ON reviews (stars);
COMMENT ON COLUMN reviews.stars IS 'From 1 to 5';
