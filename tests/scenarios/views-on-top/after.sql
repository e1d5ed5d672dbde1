CREATE VIEW customers_by_mail AS SELECT id, lower(mail) AS mail FROM customers;
CREATE MATERIALIZED VIEW mail_domains AS SELECT split_part(mail, '@', 2) AS domain, count(*) AS customers FROM customers GROUP BY 1;
DROP MATERIALIZED VIEW fax_codes;
DROP VIEW customers_by_fax;
ALTER TABLE customers DROP fax;
