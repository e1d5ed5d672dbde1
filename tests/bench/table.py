"""The table that is filled, and the databases with a copy of it."""

import contextlib

from servers import query, value

DATABASE = "bench"
FRESH, STALE = "bench_fresh", "bench_stale"  # templates; the second with the statistics of ten rows
FULL_NAME = "first_name || ' ' || last_name"

_CREATE = """
create table users (id bigint not null, first_name text, last_name text, email text, age int, status int, city text,
  created_at timestamptz) with (autovacuum_enabled = off)"""
_ROWS = """
insert into users select g, 'First' || (hashint4(g) & 8191), 'Lastname' || (hashint4(g * 7) & 32767),
  substr(md5(g::text), 1, 16) || '@ex.com', g % 80, hashint4(g + 5) & 7, 'city' || (hashint4(g + 9) & 1023),
  timestamptz '2020-01-01' + g * interval '1 min' from generate_series({first}, {last}) g"""
_INDEXES = """
alter table users add constraint users_pkey primary key (id);
create index users_email on users (email);
create index users_city_age on users (city, age)"""


def make_templates(servers, rows, stale):
    """Fills each template once; every measurement starts from a copy."""
    for name in (FRESH, STALE) if stale else (FRESH,):
        query(servers.admin, f"create database {name}")
        with contextlib.closing(servers.connect(name)) as connection:
            query(connection, "set synchronous_commit = off")
            query(connection, _CREATE)
            if name == FRESH:
                query(connection, _ROWS.format(first=1, last=rows))
                query(connection, _INDEXES)
                query(connection, "vacuum (freeze, analyze) users")
            else:
                query(connection, _INDEXES)
                query(connection, _ROWS.format(first=1, last=10))
                query(connection, "analyze users")
                query(connection, _ROWS.format(first=11, last=rows))


def size(connection):
    return value(connection, "select pg_relation_size('users')")


def hot_share(connection, rows):
    """Of the updates so far; None when the statistics do not come."""
    for _ in range(100):
        if connection.server_version >= 150000:
            query(connection, "select pg_stat_force_next_flush()")
        updated, hot = query(connection, "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables "
                             "where relname = 'users'")[0]
        if updated >= rows:
            return hot / updated if updated else None
        query(connection, "select pg_sleep(0.05)")
    return None


def wrong_rows(connection, among="true"):
    return value(connection, f"select count(*) from users where {among} and full_name is distinct from {FULL_NAME}")
