DROP VIEW monthly_totals;
DROP FUNCTION totals_of(integer, date);
