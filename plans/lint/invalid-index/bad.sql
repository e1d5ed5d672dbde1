UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_mail_idx'::regclass;
