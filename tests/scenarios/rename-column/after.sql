ALTER TABLE users DROP CONSTRAINT mail_not_empty;
ALTER TABLE users RENAME mail TO email;
ALTER INDEX users_mail_lower RENAME TO users_email_lower;
-- True of the rows that were there: sync kept email equal to mail, which had the same constraint.
ALTER TABLE users ADD CONSTRAINT email_not_empty CHECK (email <> '') NOT VALID;
