-- A rename in place keeps the name of the constraint; one on a new column beside the old one cannot have it.
ALTER TABLE users RENAME CONSTRAINT mail_not_empty TO email_not_empty;
