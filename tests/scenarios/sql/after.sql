CREATE TABLE order_notes (order_id bigint PRIMARY KEY, note text NOT NULL);
CREATE INDEX order_notes_note_idx ON order_notes (note);
ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0) NOT VALID;
