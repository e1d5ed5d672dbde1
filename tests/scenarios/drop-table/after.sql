ALTER TABLE orders DROP CONSTRAINT orders_cart_fkey;
DROP TABLE carts;
