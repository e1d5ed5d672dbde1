"""Options, rounds, and what is printed. tests/bench/backfill --help says what all of it means."""

import argparse
import json
import os
import platform
import signal
import statistics
import sys
import time

import foreground
import long_run
import scenes
import table
import variants as compared
from servers import Servers


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/backfill", add_help=False,
                                     usage="tests/bench/backfill [options]; --help says which")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variants", type=lambda text: text.split(","))
    parser.add_argument("--pgroll")
    parser.add_argument("--slow-replica", action="store_true")
    parser.add_argument("--foreground", action="store_true")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--long-rows", type=int, default=50_000_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json")
    parser.add_argument("--keep", action="store_true")
    chosen = parser.parse_args()
    chosen.known = foreground.BESIDE if chosen.foreground else compared.variants(chosen.pgroll)
    if chosen.variants is None:
        chosen.variants = [name for name in chosen.known
                           if chosen.foreground or (name in compared.SLOW_REPLICA) == chosen.slow_replica]
    unknown = [name for name in chosen.variants if name not in chosen.known]
    if unknown:
        parser.error(f"no such variant: {', '.join(unknown)}; there are {', '.join(chosen.known)}")
    if chosen.rounds < 1 or chosen.rows < 1000:
        parser.error("at least one round and 1,000 rows")
    return chosen


class Results:
    """Every measurement, and the medians over the rounds of what they say."""

    def __init__(self):
        self.measurements = []
        self.failures = 0

    def add(self, number, name, measure):
        began = time.monotonic()
        try:
            found = measure()
        except Exception as error:  # one variant that fails does not take the others along
            found = {"error": str(error)}
            self.failures += 1
        self.measurements.append({"round": number, "variant": name, **found})
        failed = "error" in found
        said = " ".join(found["error"].split()) if failed else shown(found["rows_per_second"], ",.0f") + " rows/s"
        print(f"round {number}  {name:<18} {time.monotonic() - began:5.0f} s  {said}", file=sys.stderr, flush=True)

    def of(self, name, key):
        """By round."""
        return {one["round"]: one[key] for one in self.measurements
                if one["variant"] == name and one.get(key) is not None}

    def median(self, name, key):
        found = self.of(name, key).values()
        return statistics.median(found) if found else None

    def ratio(self, name, key, base):
        """The median of the ratios, each taken within its round."""
        mine, theirs = self.of(name, key), self.of(base, key)
        ratios = [mine[number] / theirs[number] for number in mine if theirs.get(number)]
        return statistics.median(ratios) if ratios else None


def shown(number, form):
    return "-" if number is None else format(number, form)


def print_table(heads, lines):
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    for line in [heads, *lines]:
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())


def compare(servers, chosen, results):
    used = [chosen.known[name] for name in chosen.variants]
    table.make_templates(servers, chosen.rows, stale=any(one.template == table.STALE for one in used))
    machine = {}
    if any(one.scene is scenes.SlowReplica for one in used):
        machine["replica_bytes_per_second"] = compared.slow_down(servers, chosen.rows)
        print(f"a slow replica applies {machine['replica_bytes_per_second'] / 1e6:.1f} MB/s of WAL", file=sys.stderr)
    for number in range(1, chosen.rounds + 1):
        for name in chosen.variants:
            results.add(number, name, lambda: compared.measure(servers, chosen.known[name], chosen.rows))
    print_comparison(chosen, results)
    return machine


def print_comparison(chosen, results):
    heads = ["variant", "rows/s", "of plain", "of rivals", "whole run", "of plain", "of rivals", "WAL/row", "heap",
             "HOT", "lag p95", "lag max", "wrong"]
    lines = []
    for name in chosen.variants:
        variant = chosen.known[name]
        line = [name]
        for key in ("rows_per_second", "whole_rows_per_second"):
            line += [shown(results.median(name, key), ",.0f"), shown(results.ratio(name, key, variant.plain), ".2f"),
                     shown(results.ratio(name, key, variant.rivals), ".2f")]
        line += [shown(results.median(name, "wal_bytes_per_row"), ".0f"),
                 shown(results.median(name, "heap_growth"), ".2f"), shown(results.median(name, "hot_share"), ".0%"),
                 shown(results.median(name, "lag_p95"), ".2f"), shown(results.median(name, "lag_max"), ".2f"),
                 shown(max(results.of(name, "wrong_rows").values(), default=None), "d")]
        lines.append(line)
    print_table(heads, lines)
    for name in chosen.variants:
        if chosen.known[name].scene is scenes.SlowReplica and results.of(name, "time_over_limit"):
            print(f"{name}: lag over {compared.LAG_LIMIT:g} s for {results.median(name, 'time_over_limit'):.1%} of the "
                  "time")
        if chosen.known[name].scene is scenes.Stalled and not results.of(name, "wal_over_limit"):
            print(f"{name}: filled before the lag could pass its limit; give it more rows")
        elif results.of(name, "wal_over_limit"):
            print(f"{name}: once the lag was over its limit, {results.median(name, 'rows_over_limit'):,.0f} rows and "
                  f"{results.median(name, 'wal_over_limit') / 1e6:,.2f} MB of WAL more")


def beside_traffic(servers, chosen, results):
    table.make_templates(servers, chosen.rows, stale=False)
    capacity = foreground.capacity(servers, chosen.rows, 10)
    rate = max(1, round(capacity * foreground.SHARE))
    for number in range(1, chosen.rounds + 1):
        for name in chosen.variants:
            results.add(number, name, lambda: foreground.measure(servers, chosen.known[name], chosen.rows, rate,
                                                                 chosen.seconds))
    print(f"pgbench with 4 clients at {rate} transactions/s, a quarter of the {capacity:,.0f} that are possible")
    heads = ["beside it", "rows/s", "of rivals", "transactions/s", "kept", "p50 ms", "of none", "p95 ms", "of none",
             "p99 ms", "of none", "wrong"]
    lines = []
    for name in chosen.variants:
        line = [name, shown(results.median(name, "rows_per_second"), ",.0f"),
                shown(results.ratio(name, "rows_per_second", "rivals"), ".2f"),
                shown(results.median(name, "transactions_per_second"), ",.0f"),
                shown(results.ratio(name, "transactions_per_second", "none"), ".1%")]
        for key in ("p50", "p95", "p99"):
            line += [shown(results.median(name, key), ".2f"), shown(results.ratio(name, key, "none"), ".2f")]
        line.append(shown(max(results.of(name, "wrong_rows").values(), default=None), "d"))
        lines.append(line)
    print_table(heads, lines)
    return {"capacity": capacity, "rate": rate}


def long_plan(servers, chosen, results):
    print(f"making {chosen.long_rows:,} rows", file=sys.stderr)
    long_run.make_table(servers, chosen.long_rows)
    results.add(1, f"long-{chosen.workers}", lambda: long_run.run(servers, chosen.long_rows, chosen.workers))
    found = results.measurements[-1]
    if "error" in found:
        return
    print(f"{found['rows']:,} rows, {found['workers']} worker(s), killed {found['kills']} times: "
          f"{found['rows_per_second']:,.0f} rows/s, {found['wrong_rows']} wrong")
    print("rows/s by tenths: " + "  ".join(f"{rate:,.0f}" for rate in found["tenths"]))
    print(f"the last tenth over the first: {found['last_over_first']:.2f} (0.90 or more is wanted)")
    print(f"largest resident memory of a runner: {found['largest_resident_bytes'] / 1e6:.1f} MB")


def main():
    chosen = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = Results()
    machine = {"processors": os.cpu_count(), "kernel": platform.release()}
    try:
        with Servers(chosen.binary, chosen.keep) as servers:
            machine["postgresql"] = servers.version
            act = long_plan if chosen.long else beside_traffic if chosen.foreground else compare
            machine |= act(servers, chosen, results) or {}
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if chosen.json:
            asked = {name: given for name, given in vars(chosen).items() if name != "known"}
            with open(chosen.json, "w") as file:
                json.dump({"options": asked, "machine": machine, "measurements": results.measurements}, file, indent=1)
    sys.exit(1 if results.failures else 0)


if __name__ == "__main__":
    main()
