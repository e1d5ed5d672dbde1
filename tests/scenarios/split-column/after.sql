ALTER TABLE users ADD first_name text, ADD last_name varchar(200), DROP name;
