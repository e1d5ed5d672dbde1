INSERT INTO users (full_name, born_of) VALUES ('Ann0 Smith0', 'shop:v41');
