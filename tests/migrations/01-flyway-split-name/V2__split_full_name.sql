-- V2: first and last name apart. The report of March asked for it.
ALTER TABLE users
    ADD COLUMN first_name text,
    ADD COLUMN last_name  text;

UPDATE users
   SET first_name = split_part(users.full_name, ' ', 1),
       last_name  = nullif(substr(users.full_name, strpos(users.full_name, ' ') + 1), users.full_name);

ALTER TABLE users DROP COLUMN full_name;
