UPDATE orders SET total = :n % 1000 WHERE id = :id;
