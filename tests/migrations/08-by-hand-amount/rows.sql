-- Of paid there is yes and no: what else it held is_paid would not carry.
INSERT INTO orders (id, amount, paid) SELECT g, g, CASE WHEN g % 2 = 0 THEN 'yes' ELSE 'no' END FROM generate_series(1, 40) g;
