-- +goose Up
-- +goose StatementBegin
ALTER TABLE users RENAME COLUMN mail TO email;
-- +goose StatementEnd
ALTER TABLE users ADD FOREIGN KEY (team_id) REFERENCES teams ON DELETE SET NULL;
COMMENT ON TABLE users IS 'people who may log in';

-- +goose Down
ALTER TABLE users DROP CONSTRAINT users_team_id_fkey;
ALTER TABLE users RENAME COLUMN email TO mail;
