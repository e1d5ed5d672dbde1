UPDATE pg_class SET reltuples = 43000000 WHERE relname = 'users';
