-- A rename in place keeps the name of the constraint; a new column beside it cannot have it.
ALTER TABLE users RENAME CONSTRAINT mail_not_empty TO email_not_empty;
