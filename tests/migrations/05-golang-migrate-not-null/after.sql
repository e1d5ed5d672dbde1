-- What is unique becomes a constraint with the same index: duplicates are counted, and refused from the hide on.
DROP INDEX users_mail_key;
ALTER TABLE users ADD CONSTRAINT users_mail_key UNIQUE (mail);
