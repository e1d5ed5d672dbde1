SELECT total FROM monthly_totals;
-- or
UPDATE sales SET amount = totals_of(7, '2026-01-01') WHERE id = :id;
