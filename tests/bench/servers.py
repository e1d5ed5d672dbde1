"""The primary and the replica that are measured: a sandbox of switchback's own, given more memory."""

import bisect
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import psycopg2

# Checkpoints come when the benchmark asks for them, not in the middle of what is measured.
CONFIGURATION = """
shared_buffers = '512MB'
maintenance_work_mem = '256MB'
max_wal_size = '32GB'
checkpoint_timeout = '1h'
"""


def eventually(what, condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.01)


def query(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def value(connection, sql, parameters=None):
    return query(connection, sql, parameters)[0][0]


class Servers:
    """Use with `with`: whatever happens inside, nothing is left behind, unless `keep`."""

    def __init__(self, binary, keep=False):
        self.binary = binary
        self.keep = keep
        self.work = Path(tempfile.mkdtemp(prefix="switchback-bench-", dir=os.environ.get("TMPDIR", "/tmp")))
        self.work.chmod(0o755)  # the servers of root run as another account
        self.folder = self.work / "sandbox"

    def __enter__(self):
        try:
            self._up()
            for name in ("primary", "replica"):
                with open(self.folder / name / "postgresql.auto.conf", "a") as file:
                    file.write(CONFIGURATION)
                os.kill(int(self._lock_file(name).read_text().split()[0]), signal.SIGINT)
            for name in ("primary", "replica"):
                eventually(f"the {name} stops", lambda: not self._lock_file(name).exists())
            self._up()
        except BaseException:
            self.__exit__()
            raise
        self.admin = self.connect("postgres")
        self.version = value(self.admin, "show server_version")
        return self

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second one would leave the servers
        if self.keep:
            print(f"Left running. Away with it: {self.binary} sandbox down --dir {self.folder} && rm -r {self.work}")
            return
        subprocess.run([self.binary, "sandbox", "down", "--dir", self.folder], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.work, ignore_errors=True)

    def _up(self):
        out = subprocess.run([self.binary, "sandbox", "up", "--dir", self.folder, "-o", "json"], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        described = json.loads(out.stdout)
        self._primary, self._replica = described["primary"], described["replica"]

    def _lock_file(self, name):
        return self.folder / name / "postmaster.pid"

    def uri(self, database, replica=False):
        return (self._replica if replica else self._primary).rsplit("/", 1)[0] + "/" + database

    def connect(self, database, replica=False):
        connection = psycopg2.connect(self.uri(database, replica))
        connection.autocommit = True
        return connection

    def fresh_database(self, name, template):
        query(self.admin, f"drop database if exists {name} with (force)")
        # Copied as files: the same pages for every variant, already vacuumed, and no WAL.
        strategy = " strategy file_copy" if self.admin.server_version >= 150000 else ""
        query(self.admin, f"create database {name} template {template}{strategy}")

    def insert_position(self):
        return int(value(self.admin, "select pg_current_wal_insert_lsn() - '0/0'"))

    def settle(self):
        """Everything written out, the replica caught up: what comes next starts from the same place every time."""
        query(self.admin, "checkpoint")
        self.await_replica()
        with contextlib.closing(self.connect("postgres", replica=True)) as replica:
            query(replica, "checkpoint")

    def await_replica(self):
        position = value(self.admin, "select pg_current_wal_flush_lsn()")
        with contextlib.closing(self.connect("postgres", replica=True)) as replica:
            eventually("the replica catches up", lambda: value(
                replica, "select coalesce(pg_last_wal_replay_lsn() >= %s, false)", (position,)), seconds=1800)

    def replay_process(self):
        """The process of the replica that applies the WAL."""
        with contextlib.closing(self.connect("postgres", replica=True)) as replica:
            return value(replica, "select pid from pg_stat_activity where backend_type = 'startup'")


class LagSampler:
    """The replica's lag, every 40 ms, by positions alone: how long ago the primary was where the replica is now.
    No clock of the servers is asked, so it is right while the replica stands still."""

    def __init__(self, servers):
        self._servers = servers
        self._samples = []  # time, position of the primary, position replayed by the replica
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        eventually("a first sample", lambda: self._samples)
        return self

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second one would leave the servers
        self._stop.set()
        self._thread.join()

    def _run(self):
        with contextlib.closing(self._servers.connect("postgres")) as primary, \
                contextlib.closing(self._servers.connect("postgres", replica=True)) as replica:
            while not self._stop.wait(0.04):
                now = time.time()
                written = int(value(primary, "select pg_current_wal_lsn() - '0/0'"))
                replayed = int(value(replica, "select pg_last_wal_replay_lsn() - '0/0'"))
                self._samples.append((now, written, replayed))

    def lags(self, began, ended):
        """In seconds, sorted, from `began` until the replica had what was written by `ended`."""
        written = [sample[1] for sample in self._samples]
        last = max((sample[1] for sample in self._samples if sample[0] <= ended), default=0)
        lags = []
        for now, position, replayed in self._samples:
            if now < began:
                continue
            passed = bisect.bisect_right(written, replayed)
            behind = position > replayed and passed < len(self._samples)
            lags.append(max(0.0, now - self._samples[passed][0]) if behind else 0.0)
            if now > ended and replayed >= last:
                break
        return sorted(lags) or [0.0]


class LagLimit:
    """How a backfill with a limit, and nothing cleverer, holds: after a batch it waits while the lag is over it."""

    def __init__(self, connection, limit):
        self._connection = connection
        self._limit = limit
        self._ring = []  # positions the primary was at, and when

    def wait(self, stopped):
        while self._limit and not stopped.is_set():
            position, replayed = query(self._connection, "select pg_current_wal_insert_lsn() - '0/0', "
                                       "(select min(replay_lsn) - '0/0' from pg_stat_replication)")[0]
            now = time.monotonic()
            if not self._ring or self._ring[-1][0] < position:
                self._ring.append((position, now))
            while self._ring and replayed is not None and self._ring[0][0] <= replayed:
                self._ring.pop(0)
            if not self._ring or now - self._ring[0][1] < self._limit:
                return
            time.sleep(0.005)
