CREATE TABLE teams (id bigint PRIMARY KEY);
CREATE TABLE users (id bigint PRIMARY KEY, mail text NOT NULL DEFAULT 'none' CONSTRAINT mail_not_empty CHECK (mail <> ''), team_id bigint);
CREATE INDEX users_team_idx ON users (team_id);
INSERT INTO teams SELECT g FROM generate_series(1, 10) g;
INSERT INTO users SELECT g, 'u' || g || '@x', g % 10 + 1 FROM generate_series(1, 300) g;
