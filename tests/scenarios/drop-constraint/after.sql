ALTER TABLE orders DROP CONSTRAINT orders_total_check, DROP CONSTRAINT orders_user_id_fkey, DROP CONSTRAINT orders_reference_key;
