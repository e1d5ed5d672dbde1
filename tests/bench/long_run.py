"""A table of many narrow rows in one plan, its runner killed twice on the way: does it keep its speed and its size?"""

import contextlib
import signal
import sys
import time

import table
from jobs import Switchback
from servers import query, value

KILL_AT = (0.35, 0.65)  # shares of the rows: neither in the first tenth nor in the last

_PLAN = """
plan: bench-long
expand:
  - add_column: { table: narrow, name: b, type: int }
migrate:
  - backfill:
      table: narrow
      set: { b: a + 1 }
      reverse: { a: b - 1 }
"""


def memory(pid):
    """Resident memory now and at its largest, in bytes; None when the process is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        return tuple(int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    except (OSError, KeyError):
        return None


def checkpoint_as_in_life(servers):
    """WAL files are used again: those of the whole run would be written to new disk, faster than it can take them."""
    for replica in (False, True):
        with contextlib.closing(servers.connect("postgres", replica)) as connection:
            query(connection, "alter system set max_wal_size = '2GB'")
            query(connection, "select pg_reload_conf()")


def make_table(servers, rows):
    checkpoint_as_in_life(servers)
    query(servers.admin, f"drop database if exists {table.DATABASE} with (force)")
    query(servers.admin, f"create database {table.DATABASE}")
    with contextlib.closing(servers.connect(table.DATABASE)) as connection:
        query(connection, "set synchronous_commit = off")
        query(connection, "create table narrow (id bigint not null, a int) with (autovacuum_enabled = off)")
        step = 1_000_000
        for first in range(1, rows + 1, step):
            last = min(rows, first + step - 1)
            query(connection, f"insert into narrow select g, g % 1000 from generate_series({first}, {last}) g")
        query(connection, "alter table narrow add primary key (id)")
        query(connection, "vacuum (freeze, analyze) narrow")
    servers.settle()


def tenths(samples, rows):
    """Rows a second in each tenth of the rows, from (time, rows done), straight between two samples."""
    def when(wanted):
        before = samples[0]
        for sample in samples:
            if sample[1] >= wanted:
                share = (wanted - before[1]) / max(1, sample[1] - before[1])
                return before[0] + share * (sample[0] - before[0])
            before = sample
        return samples[-1][0]
    times = [when(max(samples[0][1], rows * i / 10)) for i in range(11)]
    return [rows / 10 / max(1e-9, later - earlier) for earlier, later in zip(times, times[1:])]


def run(servers, rows, workers):
    settings = Switchback.NO_LAG_LIMIT | {"SWITCHBACK_BACKFILL_WORKERS": str(workers)}
    samples, sizes, largest, kills = [], [], 0, list(KILL_AT)
    began = time.time()
    job = Switchback(servers, rows, settings, _PLAN)
    job.start()
    try:
        while job.running():
            now, done, size = time.time(), job.rows_done(), memory(job.process.pid)
            if done > 0 and (not samples or done > samples[-1][1]):
                samples.append((now, done))
            if size:
                sizes.append((now - began, done, size[0]))
                largest = max(largest, size[1])
            if kills and done >= kills[0] * rows:
                kills.pop(0)
                print(f"killing the runner at {done:,} rows", file=sys.stderr)
                job.process.send_signal(signal.SIGKILL)
                job.stop()
                job = Switchback(servers, rows, settings, _PLAN)
                job.start()
            time.sleep(0.1)
        job.join()
    finally:
        job.stop()
    whole = job.timed()[3]
    rates = tenths(samples, rows)
    with contextlib.closing(servers.connect(table.DATABASE)) as connection:
        wrong = value(connection, "select count(*) from narrow where b is distinct from a + 1")
    return {
        "rows": rows, "workers": workers, "kills": len(KILL_AT) - len(kills), "whole_seconds": whole,
        "rows_per_second": rows / (samples[-1][0] - samples[0][0]),
        "tenths": rates, "last_over_first": rates[-1] / rates[0],
        "largest_resident_bytes": largest, "wrong_rows": wrong,
        "samples": [(round(at - began, 2), done) for at, done in samples],
        "resident": [(round(at, 1), done, size) for at, done, size in sizes],
    }
