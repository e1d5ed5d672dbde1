UPDATE sales SET amount = 8 WHERE id = :id;
