"""What an application notices: pgbench at a quarter of what the machine can do, while a backfill runs beside it."""

import contextlib
import glob
import re
import signal
import subprocess
import time

import table
from jobs import Rivals, Switchback
from servers import eventually

SHARE = 0.25  # of the capacity
WARM_UP = 3.0  # seconds

_SCRIPT = """
\\set id random(1, {rows})
\\set dice random(1, 100)
\\if :dice <= 50
select id, first_name, last_name, email, age, status, city, created_at from users where id = :id;
\\elif :dice <= 75
update users set first_name = 'F' || (:id % 1000) || :dice where id = :id;
\\else
update users set age = age + 1 where id = :id;
\\endif
"""


def _switchback(**settings):
    return lambda servers, rows: Switchback(servers, rows, Switchback.NO_LAG_LIMIT | settings)


BESIDE = {
    "none": None,
    "rivals": Rivals,
    "switchback-1": _switchback(),
    "switchback-gentle": _switchback(SWITCHBACK_BACKFILL_GENTLE="on"),
}


class Traffic:
    """pgbench, with a log of every transaction."""

    def __init__(self, servers, rows, seconds, rate=None):
        self._folder = servers.work
        for file in glob.glob(f"{self._folder}/pgbench_log*"):
            (self._folder / file).unlink()
        script = self._folder / "traffic.sql"
        script.write_text(_SCRIPT.format(rows=rows))
        command = ["pgbench", "-n", "-M", "prepared", "-f", script, "-c", "4", "-j", "1", "-T", str(int(seconds)), "-l",
                   "--log-prefix", f"{self._folder}/pgbench_log", *(["-R", str(rate)] if rate else [])]
        self._process = subprocess.Popen([*command, servers.uri(table.DATABASE)], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def wait(self):
        out, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"pgbench: {out[-1000:]}")
        return out

    def end(self):
        # The alarm by which pgbench's own -T ends: it finishes its transactions and writes all of its log.
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGALRM)
        return self.wait()

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def latencies(self, began, ended):
        """Of what ended between the two, in milliseconds from when it was due, sorted."""
        found = []
        for file in glob.glob(f"{self._folder}/pgbench_log*"):
            with open(file) as log:
                for line in log:
                    fields = line.split()
                    if began <= int(fields[4]) + int(fields[5]) / 1e6 <= ended:
                        found.append(int(fields[2]) / 1000)
        return sorted(found)


def capacity(servers, rows, seconds):
    """Transactions per second without a limit, with nothing beside it."""
    servers.fresh_database(table.DATABASE, table.FRESH)
    Traffic(servers, rows, WARM_UP).wait()
    servers.settle()
    return float(re.search(r"tps = ([0-9.]+)", Traffic(servers, rows, seconds).wait()).group(1))


def measure(servers, make, rows, rate, seconds):
    """`make` gives the job beside the traffic, None for none; looked at until it is done, for `seconds` at most."""
    servers.fresh_database(table.DATABASE, table.FRESH)
    with contextlib.closing(servers.connect(table.DATABASE)) as connection:
        job = make(servers, rows) if make else None
        if job:
            job.prepare(connection)
        servers.settle()
        traffic = Traffic(servers, rows, seconds + 120, rate)
        try:
            time.sleep(WARM_UP)
            filled, began, ended = _beside(job, seconds)
            traffic.end()
        finally:
            if job:
                job.stop()
            traffic.kill()
        complete = job is not None and job.rows_done() >= rows
        latencies = traffic.latencies(began, ended)
        return {
            "seconds": ended - began,
            "rows_per_second": filled / (ended - began) if job else None,
            "complete": complete,
            "wrong_rows": job.wrong_rows(connection) if complete else None,
            "transactions_per_second": len(latencies) / (ended - began),
            **{f"p{share}": latencies[min(len(latencies) - 1, len(latencies) * share // 100)] if latencies else None
               for share in (50, 95, 99)},
        }


def _beside(job, seconds):
    """Rows filled, and when that began and ended."""
    if not job:
        began = time.time()
        time.sleep(seconds)
        return 0, began, time.time()
    job.start()
    eventually("the backfill begins", lambda: job.rows_done() > 0 or not job.running(), seconds=60)
    began, before = time.time(), job.rows_done()
    while job.running() and job.rows_done() < job.rows and time.time() < began + seconds:
        time.sleep(0.02)
    if job.error:
        raise job.error
    return job.rows_done() - before, began, time.time()
