CREATE TABLE order_notes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  note text NOT NULL DEFAULT '',
  stars int CONSTRAINT order_notes_stars_check CHECK (stars BETWEEN 1 AND 5),
  UNIQUE (order_id, note));
CREATE INDEX order_notes_note_idx ON order_notes (note);
COMMENT ON TABLE order_notes IS 'what people say of an order';
