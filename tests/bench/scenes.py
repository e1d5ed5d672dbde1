"""What goes on around a backfill while it is measured."""

import contextlib
import os
import signal
import threading
import time

from servers import query, value


class Calm:
    def __init__(self, servers, database):
        self._servers = servers
        self._database = database

    def begin(self):
        pass

    def look(self, job):
        """Called some fifty times a second while the job runs."""

    def end(self):
        """Puts everything right again; gives what was measured on the side."""
        return {}


class Pinned(Calm):
    """A transaction that was there before: no row version that the backfill leaves behind can be reused."""

    def begin(self):
        self._holder = self._servers.connect(self._database)
        query(self._holder, "begin isolation level repeatable read")
        query(self._holder, "select count(*) from pg_class")

    def end(self):
        self._holder.close()
        return {}


class Throttled(Calm):
    """The replica's replaying process is stopped and continued all the time."""

    def begin(self):
        self._over = threading.Event()
        # Asked of the primary: a process that was stopped inside a spinlock would keep the replica from answering.
        self._primary = self._servers.connect("postgres")
        self._thread = threading.Thread(target=self._run, args=(self._servers.replay_process(),), daemon=True)
        self._thread.start()

    def _run(self, process):
        try:
            self.throttle(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    def throttle(self, process):
        """Until self._over is set."""

    def end(self):
        self._over.set()
        self._thread.join()
        self._primary.close()
        return {}


class SlowReplica(Throttled):
    """It applies so many bytes of WAL a second and no more."""

    bytes_per_second = None  # set before the first one begins
    tick = 0.005             # seconds

    def _replayed(self):
        return int(value(self._primary, "select replay_lsn - '0/0' from pg_stat_replication"))

    def throttle(self, process):
        at, replayed, credit = time.monotonic(), self._replayed(), 0.0
        stopped = False
        while not self._over.wait(self.tick):
            now, position = time.monotonic(), self._replayed()
            credit += (now - at) * self.bytes_per_second - (position - replayed)
            credit = min(credit, self.tick * self.bytes_per_second)  # what was not used is not saved up
            at, replayed = now, position
            if (credit < 0) != stopped:
                stopped = not stopped
                os.kill(process, signal.SIGSTOP if stopped else signal.SIGCONT)


class ThirdOfTime(Throttled):
    """It runs a third of the time: 20 ms in 60."""

    runs, stands = 0.02, 0.04  # seconds

    def throttle(self, process):
        while not self._over.wait(self.runs):
            os.kill(process, signal.SIGSTOP)
            self._over.wait(self.stands)
            os.kill(process, signal.SIGCONT)


class Stalled(Calm):
    """Replay stops for some seconds when a fifth is done. What is committed after the lag has passed the limit, and
    what the application would have to wait for when it fails over to this replica, is counted."""

    limit, lasting, share = 1.0, 8.0, 0.2

    def begin(self):
        self._replica = self._servers.connect("postgres", replica=True)
        self._since = None
        self._at_limit = None
        self._measured = {}

    def look(self, job):
        if self._measured:
            return
        now = time.monotonic()
        if self._since is None:
            if job.rows_done() >= self.share * job.rows:
                query(self._replica, "select pg_wal_replay_pause()")
                self._since = now
        elif self._at_limit is None:
            # Something is written all the time, so the lag is as old as the pause.
            if now - self._since >= self.limit:
                self._at_limit = (job.rows_done(), self._servers.insert_position())
        elif now - self._since >= self.limit + self.lasting:
            rows, position = self._at_limit
            self._measured = {"rows_over_limit": job.rows_done() - rows,
                              "wal_over_limit": self._servers.insert_position() - position}
            query(self._replica, "select pg_wal_replay_resume()")

    def end(self):
        query(self._replica, "select pg_wal_replay_resume()")
        self._replica.close()
        return self._measured or {"rows_over_limit": None, "wal_over_limit": None}
