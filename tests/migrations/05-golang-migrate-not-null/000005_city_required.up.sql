begin;
update users set city = 'unknown' where city is null;
alter table users alter column city set not null;
alter table users alter column city set default 'unknown';
alter table users drop column if exists legacy_code;
create unique index users_mail_key on users (mail);
commit;
