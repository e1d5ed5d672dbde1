CREATE TABLE tenants (id bigint PRIMARY KEY, name text);
INSERT INTO tenants SELECT i, 'T' || i FROM generate_series(1, 10) i;
CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  tenant_id bigint CONSTRAINT events_tenant_fkey REFERENCES tenants,
  kind text NOT NULL DEFAULT 'view' CONSTRAINT kind_is_given CHECK (kind <> ''),
  payload json,
  twice bigint GENERATED ALWAYS AS (id * 2) STORED
) WITH (fillfactor = 90);
ALTER TABLE events OWNER TO scene_owner;
GRANT SELECT ON events TO scene_reader;
GRANT UPDATE (kind) ON events TO scene_reader;
COMMENT ON TABLE events IS 'what happened';
COMMENT ON COLUMN events.kind IS 'of it';
ALTER TABLE events ALTER kind SET STATISTICS 250, ALTER payload SET STORAGE EXTERNAL, ALTER tenant_id SET (n_distinct = 10);
CREATE INDEX events_kind ON events (kind, created_at DESC);
CREATE INDEX events_lower ON events (lower(kind)) WHERE tenant_id IS NOT NULL;
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON events FOR SELECT TO scene_reader USING (tenant_id = 1);
CREATE VIEW recent WITH (security_barrier = true) AS SELECT id, kind, tenant_id FROM events WHERE kind <> 'x' WITH LOCAL CHECK OPTION;
GRANT SELECT ON recent TO scene_reader;
INSERT INTO events (created_at, tenant_id, payload)
SELECT timestamptz '2024-12-01 00:00+00' + i % 700 * interval '1 day', 1 + i % 10, json_build_object('i', i) FROM generate_series(1, :rows) i;
CREATE TABLE audit (event_id bigint, tx bigint, PRIMARY KEY (event_id, tx));
CREATE FUNCTION note_event() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.audit VALUES (NEW.id, txid_current()); RETURN NULL; END$$;
CREATE TRIGGER note AFTER INSERT OR UPDATE OF kind ON events FOR EACH ROW EXECUTE FUNCTION note_event();
CREATE FUNCTION trim_kind() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.kind := btrim(NEW.kind); RETURN NEW; END$$;
CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION trim_kind();
ALTER TABLE events ENABLE ALWAYS TRIGGER tidy;
