-- Both parts are there and have no comma: what the answers make of the address is then what it was.
INSERT INTO people (id, street, city) SELECT g, 'Weg ' || g, 'Bonn' || g FROM generate_series(1, 40) g;
