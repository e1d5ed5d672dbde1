"""What is compared with what, and the measuring of one."""

import contextlib
import time
from dataclasses import dataclass
from typing import Callable, Optional

import scenes
import table
from jobs import ROW_TRIGGER, Job, Pgroll, Rivals, Switchback
from servers import LagSampler

LAG_LIMIT = 1.0      # seconds; switchback's default
STALE_CAP = 40.0     # seconds; with stale statistics the rivals' way is quadratic


@dataclass
class Variant:
    make: Callable              # (servers, rows) to a job
    scene: type = scenes.Calm
    template: str = table.FRESH
    plain: Optional[str] = "plain"   # what its speed is compared with: the naive way …
    rivals: Optional[str] = "rivals"  # … and the rivals'


def _switchback(workers, lag_limit):
    settings = {"SWITCHBACK_BACKFILL_WORKERS": str(workers)}
    if not lag_limit:
        settings |= Switchback.NO_LAG_LIMIT
    return lambda servers, rows: Switchback(servers, rows, settings)


def variants(pgroll=None):
    """Every variant by name, in the order of a round."""
    result = {
        "plain": Variant(Job),
        "plain+trigger": Variant(lambda servers, rows: Job(servers, rows, ROW_TRIGGER)),
        "rivals": Variant(Rivals),
        "rivals-stale": Variant(lambda servers, rows: Rivals(servers, rows, fresh=False, cap=STALE_CAP),
                                template=table.STALE),
    }
    if pgroll:
        result["pgroll"] = Variant(lambda servers, rows: Pgroll(servers, rows, pgroll))
    for workers in (1, 2, 4):
        result[f"switchback-{workers}"] = Variant(_switchback(workers, lag_limit=False))
        result[f"switchback-{workers}-lag"] = Variant(_switchback(workers, lag_limit=True))
    result |= {
        "plain-pinned": Variant(Job, scenes.Pinned, plain="plain-pinned", rivals=None),
        "switchback-pinned": Variant(_switchback(1, lag_limit=False), scenes.Pinned, plain="plain-pinned", rivals=None),
        "stalled": Variant(_switchback(1, lag_limit=True), scenes.Stalled, plain=None, rivals=None),
        "rivals-third": Variant(lambda servers, rows: Rivals(servers, rows, lag_limit=LAG_LIMIT), scenes.ThirdOfTime,
                                plain=None, rivals="rivals-third"),
        "switchback-third": Variant(_switchback(1, lag_limit=True), scenes.ThirdOfTime, plain=None,
                                    rivals="rivals-third"),
        "rivals-slow": Variant(lambda servers, rows: Rivals(servers, rows, lag_limit=LAG_LIMIT), scenes.SlowReplica,
                               plain=None, rivals="rivals-slow"),
        "switchback-slow": Variant(_switchback(1, lag_limit=True), scenes.SlowReplica, plain=None,
                                   rivals="rivals-slow"),
    }
    return result


SLOW_REPLICA = ("rivals-third", "switchback-third", "rivals-slow", "switchback-slow")


def slow_down(servers, rows, share=1 / 3):
    """From now on a slow replica applies this share of what the rivals' way writes when nothing holds it."""
    found = measure(servers, Variant(Rivals), rows)
    scenes.SlowReplica.bytes_per_second = share * found["wal_bytes_per_row"] * found["rows_per_second"]
    return scenes.SlowReplica.bytes_per_second


def measure(servers, variant, rows):
    """Runs it once, on a copy of the table. A dictionary of numbers."""
    servers.fresh_database(table.DATABASE, variant.template)
    with contextlib.closing(servers.connect(table.DATABASE)) as connection:
        job = variant.make(servers, rows)
        job.prepare(connection)
        servers.settle()
        size, position = table.size(connection), servers.insert_position()
        scene = variant.scene(servers, table.DATABASE)
        with LagSampler(servers) as sampler:
            aside = _run(job, scene)
            written = servers.insert_position() - position
            servers.await_replica()
        done, began, ended, whole = job.timed()
        lags = sampler.lags(began, ended)
        return {
            "rows": done,
            "complete": done == rows,
            "seconds": ended - began,
            "rows_per_second": done / (ended - began),
            "whole_seconds": whole,
            "whole_rows_per_second": done / whole,
            "wal_bytes_per_row": written / max(done, 1),
            "heap_growth": table.size(connection) / size,
            "hot_share": table.hot_share(connection, done),
            "lag_p95": lags[int(len(lags) * 0.95)],
            "lag_max": lags[-1],
            "time_over_limit": sum(lag > LAG_LIMIT for lag in lags) / len(lags),
            "wrong_rows": job.wrong_rows(connection),
            **aside,
        }


def _run(job, scene):
    scene.begin()
    try:
        job.start()
        while job.running():
            scene.look(job)
            time.sleep(0.02)
    except BaseException:
        job.stop()
        raise
    finally:
        aside = scene.end()
    job.join()
    return aside
