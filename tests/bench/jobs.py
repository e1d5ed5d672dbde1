"""The ways to fill users.full_name that are compared. Each is one object: prepare(), run() in a thread of its own,
stop(), and afterwards what it did."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time

from servers import LagLimit, query, value
from table import DATABASE, FULL_NAME, wrong_rows

ROW_TRIGGER = """
create function fill() returns trigger language plpgsql as $$
begin NEW.full_name := NEW.first_name || ' ' || NEW.last_name; return NEW; end $$;
create trigger fill before insert or update on users for each row execute function fill()"""

# As pgroll 0.14 makes it: every column in a variable, and a look at search_path for who is writing.
_RIVALS_TRIGGER = """
create function fill() returns trigger language plpgsql as $$
declare id users.id%TYPE := NEW.id; first_name users.first_name%TYPE := NEW.first_name;
  last_name users.last_name%TYPE := NEW.last_name; email users.email%TYPE := NEW.email;
  age users.age%TYPE := NEW.age; status users.status%TYPE := NEW.status; city users.city%TYPE := NEW.city;
  created_at users.created_at%TYPE := NEW.created_at; full_name users.full_name%TYPE := NEW.full_name;
  latest_schema text; search_path text;
begin
  select current_setting into search_path from current_setting('search_path');
  if search_path != 'public_02' then
    NEW.full_name = first_name || ' ' || last_name;
    NEW._needs_fill = false;
  end if;
  return NEW;
end $$;
create trigger fill before insert or update on users for each row execute function fill()"""

_RIVALS_BATCH = """
with batch as (select id from users where _needs_fill = true {after} order by id limit 1000 for no key update),
  touched as (update users set id = users.id from batch where users.id = batch.id returning users.id)
select max(id), count(*) from touched"""

_PLAN = f"""
plan: bench-full-name
expand:
  - add_column: {{ table: users, name: full_name, type: text }}
migrate:
  - backfill:
      table: users
      set: {{ full_name: "{FULL_NAME}" }}
      reverse:
        first_name: split_part(full_name, ' ', 1)
        last_name: split_part(full_name, ' ', 2)
"""


class Job:
    """One UPDATE of the whole table, with or without a row trigger."""

    def __init__(self, servers, rows, trigger=""):
        self.servers = servers
        self.rows = rows
        self.trigger = trigger
        self.done = 0
        self.stopped = threading.Event()
        self.error = None
        self._connection = None

    def prepare(self, connection):
        query(connection, "alter table users add column full_name text")
        if self.trigger:
            query(connection, self.trigger)

    def start(self):
        self.began = time.time()
        self._thread = threading.Thread(target=self._guarded, daemon=True)
        self._thread.start()

    def _guarded(self):
        try:
            self.run()
        except Exception as error:  # told to whoever waits
            self.error = error
        self.ended = time.time()

    def running(self):
        return self._thread.is_alive()

    def stop(self):
        self.stopped.set()
        with contextlib.suppress(Exception):
            self._connection.cancel()
        self._thread.join()

    def join(self):
        self._thread.join()
        if self.error:
            raise self.error

    def run(self):
        with contextlib.closing(self.servers.connect(DATABASE)) as self._connection:
            self.done = query(self._connection, f"update users set full_name = {FULL_NAME}")

    def rows_done(self):
        return self.done

    def timed(self):
        """Rows filled, when the filling began and ended, and how long all of it took, in seconds since 1970."""
        return self.done, self.began, self.ended, self.ended - self.began

    def wrong_rows(self, connection):
        return wrong_rows(connection)


class Rivals(Job):
    """Keyset batches of 1,000 that touch the rows, so that a row trigger fills them."""

    def __init__(self, servers, rows, lag_limit=None, fresh=True, cap=None):
        super().__init__(servers, rows, _RIVALS_TRIGGER)
        self._lag_limit = lag_limit
        self._fresh = fresh
        self._cap = cap

    def prepare(self, connection):
        query(connection, "alter table users add column _needs_fill boolean default true")
        super().prepare(connection)
        if self._fresh:
            query(connection, "analyze users")

    def run(self):
        end = time.monotonic() + (self._cap or 1e9)
        with contextlib.closing(self.servers.connect(DATABASE)) as self._connection:
            limit = LagLimit(self._connection, self._lag_limit)
            last = None
            while not self.stopped.is_set() and time.monotonic() < end:
                after = "" if last is None else f"and id > {last}"
                last, rows = query(self._connection, _RIVALS_BATCH.format(after=after))[0]
                if rows == 0:
                    return
                self.done += rows
                limit.wait(self.stopped)

    def wrong_rows(self, connection):
        return wrong_rows(connection, among="not _needs_fill")


class Process(Job):
    """A program that fills the table."""

    def __init__(self, servers, rows):
        super().__init__(servers, rows)
        self.log = servers.work / "job.log"
        self.process = None

    def spawn(self, arguments, environment):
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(arguments, cwd=self.servers.work, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def run(self):
        code = self.process.wait()
        if code != 0 and not self.stopped.is_set():
            raise RuntimeError(f"{self.process.args[0]} ended with {code}: {self.log.read_text()[-1000:].strip()}")

    def stop(self):
        self.stopped.set()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        self._thread.join()


class Switchback(Process):
    # Autovacuum is off, and so much WAL in so little time brings checkpoints: neither is to slow it down.
    NO_BRAKES = {"SWITCHBACK_HEALTH_DEAD_ROWS_FACTOR": "0", "SWITCHBACK_HEALTH_CHECKPOINTS_REQUESTED": "0"}
    NO_LAG_LIMIT = {"SWITCHBACK_HEALTH_REPLICATION_LAG_LIMIT": "1h", "SWITCHBACK_HEALTH_REPLICATION_LAG_TARGET": "30m"}

    def __init__(self, servers, rows, settings, plan=_PLAN, database=DATABASE):
        super().__init__(servers, rows)
        self._database = database
        self._plan = servers.work / "plan.yaml"
        self._plan.write_text(plan)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SWITCHBACK_", "PG"))}
        self.environment.update(DATABASE_URL=servers.uri(database), SWITCHBACK_ENVIRONMENT="development",
                                SWITCHBACK_BACKFILL_VACUUM="off", **self.NO_BRAKES, **settings)

    def prepare(self, connection):
        pass  # the plan adds the column

    def start(self):
        self.spawn([self.servers.binary, "run", self._plan], self.environment)
        self._look = self.servers.connect(self._database)
        super().start()

    def run(self):
        super().run()
        for line in self.log.read_text().splitlines():
            if "slowed: " in line:
                print("slowed: " + line.split("slowed: ")[1], file=sys.stderr)
                break

    def rows_done(self):
        if not value(self._look, "select to_regclass('switchback.checkpoint') is not null"):
            return 0
        return int(value(self._look, "select coalesce(sum(rows_done), 0) from switchback.checkpoint "
                         "where step like 'backfill%%'"))

    def timed(self):
        began, ended = query(self._look, "select extract(epoch from min(started_at))::float8, "
                             "extract(epoch from max(ended_at))::float8 from switchback.step "
                             "where phase = 'migrate' and name like 'backfill%%'")[0]
        whole = value(self._look, "select extract(epoch from max(at) filter (where to_state = 'migrated') - "
                      "min(at) filter (where to_state = 'expanding'))::float8 from switchback.event")
        return self.rows_done(), began, ended, whole


class Pgroll(Process):
    """The real one, up to where both versions of its schema work."""

    def __init__(self, servers, rows, binary):
        super().__init__(servers, rows)
        self._command = [binary, "--postgres-url", servers.uri(DATABASE) + "?sslmode=disable"]
        self._migration = servers.work / "01_full_name.json"
        self._migration.write_text(json.dumps({"operations": [{"add_column": {
            "table": "users", "up": FULL_NAME, "column": {"name": "full_name", "type": "text", "nullable": True}}}]}))

    def _call(self, *arguments):
        subprocess.run([*self._command, *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def prepare(self, connection):
        self._call("init")
        self._call("baseline", "--yes", "00_before", self.servers.work)

    def start(self):
        self.spawn([*self._command, "start", self._migration], dict(os.environ))
        super().start()

    def timed(self):
        return self.rows, self.began, self.ended, self.ended - self.began

    def wrong_rows(self, connection):
        self._call("complete")  # the column has its name only then
        return wrong_rows(connection)
