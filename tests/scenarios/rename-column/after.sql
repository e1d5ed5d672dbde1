ALTER TABLE users RENAME mail TO email;
ALTER INDEX users_mail_lower RENAME TO users_email_lower;
ALTER TABLE users RENAME CONSTRAINT mail_not_empty TO email_not_empty;
