ALTER TABLE sales."Order Items" DROP "Legacy Code", ADD "Full Name" text NOT NULL, ADD CONSTRAINT "Qty, positive" CHECK ("Qty" > 0);
