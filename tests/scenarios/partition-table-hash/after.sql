ALTER SEQUENCE sales."Order Items_id_seq" OWNED BY NONE;
DROP TABLE sales."Order Items";
CREATE TABLE sales."Order Items" (id bigint NOT NULL DEFAULT nextval('sales."Order Items_id_seq"'), "Qty" int NOT NULL DEFAULT 1, note text, at timestamp, PRIMARY KEY (id), UNIQUE (id, "Qty")) PARTITION BY HASH (id);
ALTER SEQUENCE sales."Order Items_id_seq" OWNED BY sales."Order Items".id;
CREATE TABLE sales."Order Items_p0" PARTITION OF sales."Order Items" FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE sales."Order Items_p1" PARTITION OF sales."Order Items" FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE sales."Order Items_p2" PARTITION OF sales."Order Items" FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE UNIQUE INDEX "Unique Note" ON ONLY sales."Order Items" (note, id);
DO $$
BEGIN
  FOR i IN 0 .. 2 LOOP
    EXECUTE format('CREATE UNIQUE INDEX %I ON sales.%I (note, id)', 'Order Items_p' || i || '_Unique Note_new', 'Order Items_p' || i);
    EXECUTE format('ALTER INDEX sales."Unique Note" ATTACH PARTITION sales.%I', 'Order Items_p' || i || '_Unique Note_new');
  END LOOP;
END $$;
