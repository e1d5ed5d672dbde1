alter table "people" add column "address" text;
update "people" as "p" set "address" = concat_ws(', ', "p"."street", "p"."city");
alter table "people" drop column "street";
alter table "people" drop column "city";
alter table "people" alter column "country" drop default;
create function touch() returns trigger language plpgsql as $$
begin
  new.touched := now();
  return new;
end $$;
create trigger people_touch before update on people for each row when (old.country is distinct from new.country) execute function touch();
