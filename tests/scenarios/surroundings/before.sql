CREATE SCHEMA sales;
CREATE TABLE sales."Orders" ("No" bigint PRIMARY KEY);
INSERT INTO sales."Orders" SELECT i FROM generate_series(0, 49) i;
CREATE TABLE sales."Order Items" ("Id" bigint PRIMARY KEY, "Tenant" int NOT NULL DEFAULT 1,
  "Order No" bigint NOT NULL DEFAULT 0 REFERENCES sales."Orders" ON UPDATE CASCADE, "First" text NOT NULL DEFAULT 'F',
  "Last" text NOT NULL DEFAULT 'L', "Qty" int, "Legacy Code" text DEFAULT 'none', "Updated At" timestamptz DEFAULT now());
INSERT INTO sales."Order Items" ("Id", "Order No", "First", "Last", "Qty", "Legacy Code")
  SELECT i, i % 50, 'F' || i, 'L' || i, i % 10, 'C' || i FROM generate_series(1, :rows) i;
CREATE TABLE sales."Notes" (id bigserial PRIMARY KEY, item bigint NOT NULL REFERENCES sales."Order Items" ON DELETE CASCADE);
INSERT INTO sales."Notes" (item) SELECT i FROM generate_series(1, :rows, 7) i;
CREATE INDEX "By Order" ON sales."Order Items" ("Order No", "Last" DESC) WITH (fillfactor = 80);
CREATE STATISTICS sales."Names" (dependencies) ON "First", "Last" FROM sales."Order Items";
COMMENT ON TABLE sales."Order Items" IS 'what is in "orders"';
COMMENT ON COLUMN sales."Order Items"."Legacy Code" IS 'it''s old';
ALTER TABLE sales."Order Items" ALTER "Legacy Code" SET STATISTICS 77, ALTER "Legacy Code" SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
CREATE PUBLICATION items_published FOR TABLE sales."Order Items";

CREATE TABLE sales.audit (at timestamptz NOT NULL DEFAULT clock_timestamp(), what text, item bigint);
CREATE INDEX ON sales.audit (item);
CREATE FUNCTION sales.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$ BEGIN INSERT INTO sales.audit (what, item) VALUES (TG_OP, coalesce(NEW."Id", OLD."Id")); RETURN NULL; END $$;
CREATE TRIGGER "zz Audit" AFTER INSERT OR UPDATE OR DELETE ON sales."Order Items" FOR EACH ROW EXECUTE FUNCTION sales.note();
CREATE FUNCTION sales.touch() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW."Updated At" := clock_timestamp(); NEW."Last" := btrim(NEW."Last"); RETURN NEW; END $$;
CREATE TRIGGER "Touch" BEFORE INSERT OR UPDATE ON sales."Order Items" FOR EACH ROW EXECUTE FUNCTION sales.touch();

ALTER TABLE sales."Order Items" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "Own Tenant" ON sales."Order Items" TO scene_reader USING ("Tenant" = 1) WITH CHECK ("Tenant" = 1);
GRANT USAGE ON SCHEMA sales TO scene_reader;
GRANT SELECT ("Id", "First", "Legacy Code"), UPDATE ("First", "Legacy Code"), INSERT ("Id", "First", "Last", "Qty") ON sales."Order Items" TO scene_reader;
GRANT DELETE ON sales."Order Items" TO scene_reader;
CREATE VIEW sales."Names of Items" AS SELECT "Id", "First", "Last" FROM sales."Order Items";
CREATE MATERIALIZED VIEW sales."Items per Order" AS SELECT "Order No", count(*) AS items FROM sales."Order Items" GROUP BY 1;
CREATE UNIQUE INDEX ON sales."Items per Order" ("Order No");
