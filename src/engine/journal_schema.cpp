#include "switchback/engine/journal_schema.hpp"

#include "switchback/core/error.hpp"
#include "switchback/engine/history.hpp"

namespace switchback::engine {
namespace {

/// Version 1. Later versions are appended as further entries, never edited.
///
/// What a gate reads is kept for binaries that are older: of `meta` version and readable_by; of `plan` id, name, file,
/// state, takes_away, image_before, image_after, effect and progress; of `brownout` plan_id and undone_at; `image`,
/// `image_deployment` and `image_replica_set` as they are below. A later version adds columns, tables, states, kinds of
/// events, and keys to the documents, and leaves the meaning of those. Where an older gate would be wrong without what
/// was added, readable_by is raised; a state or a key that it does not know makes it say unknown by itself.
constexpr const char* version_1 = R"sql(
CREATE SCHEMA switchback;
COMMENT ON SCHEMA switchback IS 'Journal of switchback: plans, steps, checkpoints, events.';

CREATE TABLE switchback.meta (
  only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version   integer NOT NULL,
  readable_by integer NOT NULL,
  upgraded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN switchback.meta.readable_by IS 'oldest journal version whose read-only commands understand this one';
INSERT INTO switchback.meta (version, readable_by) VALUES (1, 0);

CREATE TABLE switchback.plan (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL UNIQUE,
  hash        text NOT NULL,
  text        text NOT NULL,
  long_form   text NOT NULL,
  file        text NOT NULL,
  environment text NOT NULL,
  state       text NOT NULL DEFAULT 'planned',
  target      text,
  hold        jsonb,
  paused      jsonb,
  progress    jsonb,
  resolved    jsonb NOT NULL DEFAULT '{}',
  fingerprints jsonb NOT NULL DEFAULT '{}',
  effect      jsonb NOT NULL DEFAULT '{}',
  takes_away  boolean NOT NULL,
  image_before text,
  image_after text,
  author      text NOT NULL DEFAULT session_user,
  system_identifier text NOT NULL,
  timeline    integer NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  state_since timestamptz NOT NULL DEFAULT clock_timestamp(),
  migrated_at timestamptz,
  hidden_at   timestamptz,
  contracted_at timestamptz
);

COMMENT ON COLUMN switchback.plan.effect IS 'the columns it adds, fills, takes away and tightens: what gates ask, also those that do not know its steps';
COMMENT ON COLUMN switchback.plan.long_form IS 'the plan with its short forms expanded against the schema it was started on';

CREATE TABLE switchback.sync (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  relation  oid NOT NULL,
  document  jsonb NOT NULL,
  restoring boolean NOT NULL DEFAULT false,
  PRIMARY KEY (plan_id, relation)
);
COMMENT ON TABLE switchback.sync IS 'what each plan asks of a table''s sync function now; the function is made from all rows of a table';

CREATE TABLE switchback.step (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  phase     text NOT NULL,
  ordinal   integer NOT NULL,
  name      text NOT NULL,
  status    text NOT NULL CHECK (status IN ('running', 'done', 'undone')),
  detail    jsonb NOT NULL DEFAULT '{}',
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at  timestamptz,
  PRIMARY KEY (plan_id, phase, ordinal)
);

CREATE TABLE switchback.checkpoint (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  step      text NOT NULL,
  part      text NOT NULL,
  cursor    jsonb,
  finished  boolean NOT NULL DEFAULT false,
  rows_done bigint NOT NULL DEFAULT 0,
  rows_bad  bigint NOT NULL DEFAULT 0,
  active    interval NOT NULL DEFAULT '0',
  tally     jsonb,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (plan_id, step, part)
) WITH (fillfactor = 50);

CREATE TABLE switchback.event (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan_id   bigint REFERENCES switchback.plan,
  plan      text,
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind      text NOT NULL,
  from_state text,
  to_state  text,
  role      text NOT NULL DEFAULT session_user,
  os_user   text NOT NULL,
  host      text NOT NULL,
  reason    text,
  lsn       pg_lsn,
  detail    jsonb NOT NULL DEFAULT '{}',
  pipeline  text,
  previous  text[] NOT NULL,
  hash      text NOT NULL
);
COMMENT ON COLUMN switchback.event.pipeline IS 'the job that did it, where one did';
COMMENT ON COLUMN switchback.event.previous IS 'hashes of the events that none followed yet: what cannot be changed without this one showing it';
CREATE INDEX event_plan ON switchback.event (plan_id, id);

CREATE FUNCTION switchback.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  RAISE EXCEPTION 'switchback.event is append-only' USING ERRCODE = '55000', HINT = 'What happened, happened: add an event instead.';
END $body$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON switchback.event
  FOR EACH STATEMENT EXECUTE FUNCTION switchback.refuse_change();
ALTER TABLE switchback.event ENABLE ALWAYS TRIGGER append_only;

CREATE TABLE switchback.forbidden (
  hash      text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{12,64}$'),
  plan      text,
  reason    text NOT NULL,
  role      text NOT NULL DEFAULT session_user,
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  origin    text
);
COMMENT ON TABLE switchback.forbidden IS 'texts of plans that are not run again; origin: the journal that they were imported from';
CREATE TABLE switchback.imported_event (
  system_identifier text NOT NULL,
  database  text NOT NULL,
  id        bigint NOT NULL,
  line      jsonb NOT NULL,
  PRIMARY KEY (system_identifier, database, id)
);
COMMENT ON TABLE switchback.imported_event IS 'the history of other databases, as their exports have it';

CREATE TABLE switchback.setting (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  key       text NOT NULL,
  value     text NOT NULL,
  until     timestamptz,
  role      text NOT NULL DEFAULT session_user,
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (plan_id, key)
);

CREATE TABLE switchback.request (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  kind      text NOT NULL CHECK (kind IN ('pause', 'resume')),
  reason    text,
  role      text NOT NULL DEFAULT session_user,
  os_user   text NOT NULL,
  host      text NOT NULL,
  at        timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE switchback.runner (
  plan_id   bigint PRIMARY KEY REFERENCES switchback.plan,
  epoch     bigint NOT NULL,
  runner    text NOT NULL,
  host      text NOT NULL,
  pid       integer NOT NULL,
  lease     interval NOT NULL,
  heartbeat timestamptz NOT NULL DEFAULT clock_timestamp(),
  released  boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

CREATE TABLE switchback.runner_session (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  epoch     bigint NOT NULL,
  pid       integer NOT NULL,
  backend_start timestamptz NOT NULL,
  PRIMARY KEY (plan_id, epoch, pid, backend_start)
);

CREATE TABLE switchback.approval (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  phase     text NOT NULL,
  hash      text NOT NULL,
  role      text NOT NULL DEFAULT session_user,
  os_user   text NOT NULL,
  host      text NOT NULL,
  despite   text,
  reason    text,
  at        timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE switchback.quarantine (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  step      text NOT NULL,
  relation  text NOT NULL,
  key       jsonb NOT NULL,
  sqlstate  text NOT NULL,
  message   text NOT NULL,
  old_values jsonb,
  status    text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'accepted', 'mended')),
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  settled_by text,
  settled_at timestamptz,
  reason    text,
  UNIQUE (plan_id, step, relation, key)
);

CREATE INDEX event_told ON switchback.event (at) WHERE kind IN ('state', 'hold', 'turned_back', 'despite', 'horizon_overridden');
CREATE TABLE switchback.notify_target (
  target    text PRIMARY KEY,
  since     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE switchback.notification (
  target    text NOT NULL REFERENCES switchback.notify_target,
  event_id  bigint NOT NULL,
  attempts  integer NOT NULL DEFAULT 1,
  next_at   timestamptz NOT NULL DEFAULT clock_timestamp() + interval '1 minute',
  settled   text CHECK (settled IN ('delivered', 'given_up')),
  settled_at timestamptz,
  last_error text,
  PRIMARY KEY (target, event_id)
);
COMMENT ON TABLE switchback.notification IS 'which target was told of which event: nothing else is kept of what is sent';

CREATE TABLE switchback.usage_statement (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  server    text NOT NULL,
  key       text NOT NULL,
  role      text NOT NULL,
  text      text,
  calls     bigint NOT NULL,
  calls_rose_at timestamptz,
  first_seen timestamptz NOT NULL,
  judged    jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (plan_id, server, key)
);
CREATE TABLE switchback.usage_session (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  source    text NOT NULL,
  server    text NOT NULL,
  role      text NOT NULL,
  application text NOT NULL,
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  PRIMARY KEY (plan_id, source, server, role, application)
);
CREATE TABLE switchback.usage_write (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan_id   bigint NOT NULL,
  structure text NOT NULL,
  how       text NOT NULL,
  role      text NOT NULL,
  application text NOT NULL,
  at        timestamptz NOT NULL
);
COMMENT ON TABLE switchback.usage_write IS 'notes of the write probes, by the application''s own transactions: no reference and no key that one could wait for';
CREATE TABLE switchback.counter (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  rule      integer NOT NULL,
  name      text NOT NULL,
  since     timestamptz NOT NULL DEFAULT clock_timestamp(),
  triggers  jsonb NOT NULL,
  PRIMARY KEY (plan_id, rule)
);
COMMENT ON TABLE switchback.counter IS 'the triggers that note which writes a rule would refuse once the contract enforces it';
CREATE TABLE switchback.violation (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan_id   bigint NOT NULL,
  rule      integer NOT NULL,
  relation  text NOT NULL,
  how       text NOT NULL,
  role      text NOT NULL,
  application text NOT NULL,
  at        timestamptz NOT NULL,
  writes    bigint NOT NULL,
  key       jsonb NOT NULL,
  failure   text
);
COMMENT ON TABLE switchback.violation IS 'notes of these triggers, by the application''s own transactions: no reference and no key that one could wait for';
COMMENT ON COLUMN switchback.violation.writes IS 'of this session since its last note: at least so many';
CREATE INDEX violation_rule ON switchback.violation (plan_id, rule, at);
CREATE TABLE switchback.usage_writer (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  structure text NOT NULL,
  how       text NOT NULL,
  role      text NOT NULL,
  application text NOT NULL,
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  PRIMARY KEY (plan_id, structure, how, role, application)
);
CREATE TABLE switchback.usage_counter (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  server    text NOT NULL,
  structure text NOT NULL,
  relation  text NOT NULL,
  what      text NOT NULL,
  name      text NOT NULL,
  value     bigint NOT NULL,
  rose_at   timestamptz,
  PRIMARY KEY (plan_id, server, structure, relation, what)
);
CREATE TABLE switchback.usage_coverage (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  source    text NOT NULL,
  server    text NOT NULL,
  since     timestamptz NOT NULL,
  until     timestamptz NOT NULL,
  marks     jsonb NOT NULL DEFAULT '{}',
  cut_by    text,
  PRIMARY KEY (plan_id, source, server)
);
CREATE TABLE switchback.evidence (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  document  jsonb NOT NULL,
  PRIMARY KEY (plan_id, sealed_at)
);

CREATE TABLE switchback.brownout (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  columns   text[] NOT NULL,
  seconds   integer NOT NULL,
  begun_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  deadline  timestamptz NOT NULL,
  guard     text NOT NULL,
  privileges jsonb NOT NULL,
  undone_at timestamptz,
  undone_by text,
  outcome   text CHECK (outcome IN ('quiet', 'tripped', 'suspected', 'cut_short')),
  detail    jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN switchback.brownout.privileges IS 'of each table, as they were before and as they were made: what gives them back';
CREATE UNIQUE INDEX one_brownout ON switchback.brownout ((true)) WHERE undone_at IS NULL;

CREATE TABLE switchback.lock_held (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  state     text NOT NULL,
  relation  text NOT NULL,
  mode      text NOT NULL,
  had_us    bigint NOT NULL,
  held_us   bigint NOT NULL
);
COMMENT ON TABLE switchback.lock_held IS 'locks that writers wait for, taken by the runner''s transactions: microseconds from asking until it was there, and until the commit gave it up; both at most';

CREATE TABLE switchback.definition (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  ordinal   integer NOT NULL,
  kind      text NOT NULL,
  structure text NOT NULL,
  definition text NOT NULL,
  PRIMARY KEY (plan_id, ordinal)
);
CREATE TABLE switchback.archive (
  plan_id   bigint NOT NULL REFERENCES switchback.plan,
  relation  text NOT NULL,
  archive_table text NOT NULL,
  state     text NOT NULL CHECK (state IN ('filling', 'verified', 'kept', 'restored', 'purged')),
  rows      bigint,
  checksum  text,
  keep_until timestamptz,
  detail    jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (plan_id, relation)
);

CREATE TABLE switchback.image (
  name      text PRIMARY KEY,
  registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  registered_by text NOT NULL DEFAULT session_user,
  source    text NOT NULL CHECK (source IN ('manifest', 'label', 'capture', 'plan')),
  footprint jsonb NOT NULL,
  role      text GENERATED ALWAYS AS (footprint ->> 'role') STORED,
  met       jsonb,
  pinned    text,
  retired   text
);
COMMENT ON COLUMN switchback.image.met IS 'columns and rules of its tables when it was registered: what came since, its writes may not keep to';
COMMENT ON COLUMN switchback.image.pinned IS 'why it stays in the horizon, and';
COMMENT ON COLUMN switchback.image.retired IS 'why nobody goes back to it; NULL: neither';
CREATE TABLE switchback.image_deployment (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  image     text NOT NULL,  -- which nobody may have registered
  environment text NOT NULL DEFAULT '',
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  role      text NOT NULL DEFAULT session_user
);
CREATE INDEX image_deployment_image ON switchback.image_deployment (image, at);
CREATE TABLE switchback.image_fence (
  role      text PRIMARY KEY,
  image     text NOT NULL REFERENCES switchback.image,
  reason    text NOT NULL,
  at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE switchback.image_fence IS 'roles whose login was taken, by `fence`: only these are given it back';
CREATE TABLE switchback.image_replica_set (
  cluster   text NOT NULL,
  name      text NOT NULL,
  image     text NOT NULL,
  replicas  bigint NOT NULL,
  synced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (cluster, name, image)
);
COMMENT ON TABLE switchback.image_replica_set IS 'what deployments can be undone to, as `image sync` last read it; the images as the containers name them';
)sql";

constexpr int newest = 1;

}  // namespace

int journal_version() {
  return newest;
}

std::optional<JournalVersion> journal_version_in(ports::Session& session) {
  const auto present = session.exec("SELECT pg_catalog.to_regclass('switchback.meta') IS NOT NULL");
  if (!present.boolean(0, 0)) return std::nullopt;
  const auto rows = session.exec("SELECT version, readable_by FROM switchback.meta");
  if (rows.empty())
    throw Error(Exit::failed, Remedy::person, "the schema switchback is there, but its meta table is empty",
                "it was not made by switchback, or was damaged: look before you drop it");
  return JournalVersion{static_cast<int>(rows.integer(0, 0)), static_cast<int>(rows.integer(0, 1))};
}

bool ensure_journal(ports::Session& session) {
  ports::Transaction transaction(session);
  // Two first runs at once: the second waits here, and then sees the journal made by the first.
  transaction.exec("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('switchback journal', 0))");
  const auto found = journal_version_in(session);
  if (found && found->version > newest)
    throw Error(Exit::failed, Remedy::person,
                "this database's journal is version " + std::to_string(found->version) +
                    "; this switchback knows up to " + std::to_string(newest),
                "use the newer switchback that upgraded it; status, history, explain and usage still work here when it "
                "is newer by one");
  if (found) return false;
  const auto allowed = session.exec(
      "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), "
      "pg_catalog.current_database(), current_user");
  if (!allowed.boolean(0, 0))
    throw Error(
        Exit::unreachable, Remedy::person,
        "the role " + allowed.text(0, 2) + " may not create the journal schema in database " + allowed.text(0, 1),
        "GRANT CREATE ON DATABASE " + quote_identifier(allowed.text(0, 1)) + " TO " +
            quote_identifier(allowed.text(0, 2)) + ";",
        "42501");
  session.exec(version_1);
  session.exec(history_chain_ddl());
  transaction.commit();
  return true;
}

void require_readable_journal(ports::Session& session) {
  const auto found = journal_version_in(session);
  if (!found)
    throw Error(Exit::invalid, Remedy::person, "there is no journal in this database yet",
                "switchback init makes it; switchback run does too");
  if (found->version > newest + 1 || found->readable_by > newest)
    throw Error(Exit::failed, Remedy::person,
                "this database's journal is version " + std::to_string(found->version) +
                    "; this switchback reads up to " + std::to_string(newest + 1),
                "use a newer switchback");
}

}  // namespace switchback::engine
