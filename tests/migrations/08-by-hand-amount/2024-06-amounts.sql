\set ON_ERROR_STOP on
\echo amounts become bigint, and what nobody uses goes
set lock_timeout = '2s';
drop index orders_old_idx;
drop table if exists old_carts cascade;
alter table orders alter column amount type bigint using amount::bigint;
alter table orders add column is_paid boolean;
update orders set is_paid = (paid = 'yes');
alter table orders alter is_paid set not null;
alter table orders drop column paid;
