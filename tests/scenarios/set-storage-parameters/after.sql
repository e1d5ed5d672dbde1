ALTER TABLE events SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02), RESET (autovacuum_analyze_scale_factor);
ALTER INDEX events_at_idx SET (fillfactor = 95);
ALTER TABLE events ALTER kind SET STATISTICS 500, ALTER payload SET STORAGE external;
