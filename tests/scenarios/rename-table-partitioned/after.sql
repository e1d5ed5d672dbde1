ALTER TABLE sales."Order Items" RENAME TO "Lines, of orders";
