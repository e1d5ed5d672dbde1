CREATE TYPE order_state AS ENUM ('open', 'paid', 'sent');
ALTER TABLE orders ADD state order_state;
UPDATE orders SET state = 'open';
ALTER TABLE orders ALTER state SET NOT NULL;
