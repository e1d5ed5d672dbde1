INSERT INTO users (first_name, last_name, born_of) VALUES ('Ann0', 'Smith0', 'shop:v42');
