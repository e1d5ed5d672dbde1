UPDATE orders SET status = 'paid'::old_status::text WHERE id = :id;
