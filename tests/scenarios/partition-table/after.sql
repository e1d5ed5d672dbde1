DROP VIEW recent;
DROP TABLE events;
CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY,
  created_at timestamptz NOT NULL DEFAULT now(),
  tenant_id bigint CONSTRAINT events_tenant_fkey REFERENCES tenants,
  kind text NOT NULL DEFAULT 'view' CONSTRAINT kind_is_given CHECK (kind <> ''),
  payload json,
  twice bigint GENERATED ALWAYS AS (id * 2) STORED,
  PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
ALTER TABLE events ALTER payload SET STORAGE EXTERNAL;
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01 00:00+00') TO ('2026-01-01 00:00+00') WITH (fillfactor = 90);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2027-01-01 00:00+00') WITH (fillfactor = 90);
CREATE TABLE events_2027 PARTITION OF events FOR VALUES FROM ('2027-01-01 00:00+00') TO ('2028-01-01 00:00+00') WITH (fillfactor = 90);
CREATE TABLE events_default PARTITION OF events DEFAULT WITH (fillfactor = 90);
ALTER TABLE events OWNER TO scene_owner;
ALTER TABLE events_2025 OWNER TO scene_owner;
ALTER TABLE events_2026 OWNER TO scene_owner;
ALTER TABLE events_2027 OWNER TO scene_owner;
ALTER TABLE events_default OWNER TO scene_owner;
GRANT SELECT ON events TO scene_reader;
GRANT UPDATE (kind) ON events TO scene_reader;
COMMENT ON TABLE events IS 'what happened';
COMMENT ON COLUMN events.kind IS 'of it';
ALTER TABLE events ALTER kind SET STATISTICS 250, ALTER tenant_id SET (n_distinct = 10);
CREATE INDEX events_kind ON ONLY events (kind, created_at DESC);
CREATE INDEX events_lower ON ONLY events (lower(kind)) WHERE tenant_id IS NOT NULL;
DO $$
DECLARE leaf text;
BEGIN
  FOREACH leaf IN ARRAY ARRAY['events_2025', 'events_2026', 'events_2027', 'events_default'] LOOP
    EXECUTE format('CREATE INDEX %I ON %I (kind, created_at DESC)', leaf || '_events_kind_new', leaf);
    EXECUTE format('CREATE INDEX %I ON %I (lower(kind)) WHERE tenant_id IS NOT NULL', leaf || '_events_lower_new', leaf);
    EXECUTE format('ALTER INDEX events_kind ATTACH PARTITION %I', leaf || '_events_kind_new');
    EXECUTE format('ALTER INDEX events_lower ATTACH PARTITION %I', leaf || '_events_lower_new');
  END LOOP;
END $$;
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON events FOR SELECT TO scene_reader USING (tenant_id = 1);
CREATE VIEW recent WITH (security_barrier = true) AS SELECT id, kind, tenant_id FROM events WHERE kind <> 'x' WITH LOCAL CHECK OPTION;
GRANT SELECT ON recent TO scene_reader;
CREATE TRIGGER note AFTER INSERT OR UPDATE OF kind ON events FOR EACH ROW EXECUTE FUNCTION note_event();
CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION trim_kind();
ALTER TABLE events ENABLE ALWAYS TRIGGER tidy;
